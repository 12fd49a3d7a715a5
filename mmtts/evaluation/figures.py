"""Figures of an evaluation: ROC curves, histograms of pitch, and every number with its interval."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmtts.evaluation.findings import Findings, Row
from mmtts.storage.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_figures(findings: Findings, folder: Path) -> list[Path]:
    """Draw what was measured as png files; returns their paths."""
    paths = []
    if findings.curves:
        paths.append(_save(draw_roc(findings.curves), folder / "roc.png"))
    for title, groups in findings.histograms.items():
        name = re.sub(r"\W+", "_", title.lower()).strip("_")
        paths.append(_save(draw_histograms(groups, title), folder / f"{name}.png"))
    for question in dict.fromkeys(row.question for row in findings.rows):
        rows = [row for row in findings.rows if row.question == question]
        paths.append(_save(draw_intervals(rows, question), folder / f"{question}.png"))
    return paths


def draw_roc(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """True against false acceptances, one line per label, and the diagonal of chance."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 6), layout="constrained")
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color="0.7", linestyle=":", label="chance")
    for label, (false, true) in curves.items():
        axis.plot(false, true, label=f"{label}, AUC {np.trapezoid(true, false):.3f}")
    axis.set_xlabel("accepted pairs of two people")
    axis.set_ylabel("accepted pairs of one person")
    axis.legend(fontsize=8, loc="lower right")
    return figure


def draw_histograms(groups: Mapping[str, Sequence[float]], title: str) -> Figure:
    """Histograms on common bins, one color per group."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axis = figure.subplots()
    finite = {label: np.asarray(v, float)[np.isfinite(v)] for label, v in groups.items()}
    kept = {label: values for label, values in finite.items() if len(values)}
    everything = np.concatenate([*kept.values(), np.zeros(0)])
    bins = np.histogram_bin_edges(everything, bins=25)
    for label, values in kept.items():
        axis.hist(
            values, bins=bins.tolist(), alpha=0.5, density=True, label=f"{label} ({len(values)})"
        )
    axis.set_title(title, fontsize=10)
    axis.set_ylabel("density")
    axis.legend(fontsize=8)
    return figure


def draw_intervals(rows: Sequence[Row], title: str) -> Figure:
    """One panel per measure: each system and condition as a point with its interval."""
    from matplotlib.figure import Figure

    measures = list(dict.fromkeys(row.measure for row in rows))
    heights = [1 + sum(row.measure == measure for row in rows) for measure in measures]
    figure = Figure(figsize=(8, 0.6 + 0.32 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(measures), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, measure in zip(axes, measures, strict=True):
        shown = [row for row in rows if row.measure == measure]
        for place, row in enumerate(reversed(shown)):
            value, low, high, _ = row.found
            # A percentile interval may leave the value outside; error bars may not be negative.
            reach = np.nan_to_num([[max(0.0, value - low)], [max(0.0, high - value)]])
            axis.errorbar(value, place, xerr=reach, fmt="o", markersize=4, capsize=3)
        several = len({row.judge for row in shown}) > 1
        names = [f"{r.system}: {r.condition}" + f", {r.judge}" * several for r in reversed(shown)]
        axis.set_yticks(range(len(shown)), names, fontsize=7)
        axis.set_ylim(-0.7, len(shown) - 0.3)
        axis.set_title(measure, fontsize=8)
        if not np.isnan(shown[0].chance):
            axis.axvline(shown[0].chance, color="0.6", linestyle=":")
        axis.tick_params(axis="x", labelsize=7)
    figure.suptitle(title, fontsize=10)
    return figure


def _save(figure: Figure, path: Path) -> Path:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=110)
    return path
