"""Figures of the demo page: mels of clips and curves of runs, as PNG."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_PANELS = 8
TRAIN_COLOR, VALID_COLOR = "#9aa7b8", "#2f6fde"

Curve = tuple[Sequence[float], Sequence[float]]  # steps, values


def draw_mel(mel: np.ndarray) -> bytes:
    """Draw a natural-log mel (T, M) without axes, 100 frames to an inch: PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(min(8.0, max(1.5, len(mel) / 60)), 1.1))
    axis = figure.add_axes((0, 0, 1, 1))
    low, high = float(np.percentile(mel, 5)), float(mel.max())
    axis.imshow(mel.T, origin="lower", aspect="auto", cmap="magma", vmin=low, vmax=high)
    axis.set_axis_off()
    return _to_png(figure)


def draw_curves(curves: Mapping[str, Curve]) -> bytes:
    """Draw the losses and scores of a run, training and validation in one panel each: PNG.

    Args:
        curves: From `read_curves`; names begin with "train/" or "valid/".
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name.split("/", 1)[1] for name in curves))
    names = sorted(names, key=lambda name: name != "loss")[:MOST_PANELS]
    columns = min(4, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(2.7 * columns, 1.8 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, name in zip(axes, names, strict=False):
        for split, color in (("train", TRAIN_COLOR), ("valid", VALID_COLOR)):
            if f"{split}/{name}" in curves:
                steps, values = curves[f"{split}/{name}"]
                marker = "o" if len(steps) < 15 else None
                axis.plot(
                    *_smooth(steps, values), color=color, lw=1.4, ms=3, marker=marker, label=split
                )
        axis.set_title(name.replace("_", " "), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    for axis in axes[len(names) :]:
        axis.set_axis_off()
    axes[0].legend(fontsize=7, frameon=False)
    return _to_png(figure)


def _smooth(steps: Sequence[float], values: Sequence[float]) -> Curve:
    """Average long curves over windows of a sixtieth of their length."""
    width = max(1, len(values) // 60)
    whole = len(values) - len(values) % width
    means = np.reshape(values[:whole], (-1, width)).mean(axis=1)
    return steps[width - 1 : whole : width], means.tolist()


def read_curves(path: Path) -> dict[str, Curve]:
    """Read `metrics.csv` of a run: the columns train/... and valid/... with their steps.

    Columns of fewer than two finite values are left out, and so is a file that cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return {}
    curves: dict[str, Curve] = {}
    for name in rows[0] if rows else ():
        if name and name.startswith(("train/", "valid/")):
            points = [(_number(row.get("step")), _number(row.get(name))) for row in rows]
            points = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
            if len(points) > 1:
                curves[name] = ([x for x, _ in points], [y for _, y in points])
    return curves


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _to_png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()
