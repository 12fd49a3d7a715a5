"""How well models of stage 1 expect native people they never heard, by what they learned from.

    python recipes/starter/curve.py runs/stage1/native_1_of_*/model --data data/starter \
        --out outputs/curve

Each model predicts the mel of the test split's native clips in the styles of those clips, with the
true durations and melody, and their melody. Prints a table, and writes it and a figure.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from omegaconf import OmegaConf

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.sampling import Draw
from mmtts.data.speech import SpeechData
from mmtts.metrics.bootstrap import bootstrap_mean
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.clip_tables import attach_voices
from mmtts.stages.speech_tts import SpeechTTS
from mmtts.storage.atomic import atomic_write
from mmtts.storage.model_folder import load_config, load_network

LOSSES = {"frame_prior": "mel", "melody": "melody", "duration": "duration"}


class Point(NamedTuple):
    """One model.

    Attributes:
        hours: of speech of the accent that it learned from.
        people: who speak in it.
        losses: of each kind, by test clip.
        speakers: of these clips.
    """

    hours: float
    people: int
    losses: dict[str, list[float]]
    speakers: list[str]


def measure(folder: Path, data: Path, accent: str) -> Point:
    """Read what a model learned from, and what it says of the test split.

    Args:
        folder: of the model, in the run that trained it.
        data: prepared data folder.
        accent: whose clips count.

    Raises:
        InputError: It was trained by no run that is still there.
    """
    run = folder.absolute().parent / "config.yaml"
    if not run.is_file():
        raise InputError(f"{run} is missing: {folder} must lie in the run that trained it")
    known = OmegaConf.load(run).stage.data
    source = load_config(folder, "speech_tts")
    model = load_network(folder, source, "acoustic_model", AcousticModel).eval()
    settings = {"mel": source.extra.get("mel"), "accents": model.config["accents"]}
    heard = SpeechData(data, shares=dict(known.get("shares") or {}), **settings)
    heard.prepare_data()
    learned = [clip for clip in heard.read("train") if clip.accent == accent]
    test = SpeechData(data, reference="other_crop", **settings)
    test.prepare_data()
    test.setup()  # all splits, so that voices are computed once for all models
    attach_voices(model, test)
    stage, clips = SpeechTTS(model, torch.optim.AdamW).eval(), test.datasets["test"]
    losses: dict[str, list[float]] = {kind: [] for kind in LOSSES}
    speakers = []
    for number, clip in enumerate(clips.clips):
        if clip.accent == accent and test.tokens(clip) is not None:
            with torch.inference_mode():
                found = stage.validation_losses(clips[Draw(0, number, (number,))], number)
            speakers.append(clip.speaker)
            for kind, values in losses.items():
                values.append(float(found[kind]))
    hours = sum(clip.seconds for clip in learned) / 3600
    return Point(hours, len({clip.speaker for clip in learned}), losses, speakers)


def table(points: Sequence[Point]) -> str:
    """Markdown: means over clips, intervals by resampling people."""
    heads = [f"{name} loss" for name in LOSSES.values()]
    lines = [f"| hours | people | {' | '.join(heads)} |", "| --- |" + " --- |" * 4]
    for point in points:
        cells = [f"{point.hours:.2f}", str(point.people)]
        for values in point.losses.values():
            mean = bootstrap_mean(values, point.speakers)
            cells.append(f"{mean.value:.4f} [{mean.low:.3f}, {mean.high:.3f}]")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(points: Sequence[Point], path: Path) -> None:
    """Each loss over hours, as a share of what it is with the fewest."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 3.4), layout="constrained")
    for kind, name in LOSSES.items():
        means = np.array([np.mean(point.losses[kind]) for point in points])
        axes.plot([point.hours for point in points], means / means[0], marker="o", label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks([p.hours for p in points], [f"{p.hours:.2f}" for p in points])
    axes.set_xlabel("hours of speech learned from")
    axes.set_ylabel("loss on people never heard\n(share of the leftmost)")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


@one_sentence
def main() -> None:
    """Print the table and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", type=Path, help="model folders in their runs")
    parser.add_argument("--data", type=Path, required=True, help="prepared data folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for table and figure")
    parser.add_argument("--accent", default="native", help="whose clips count [native]")
    options = parser.parse_args()
    points = [measure(folder, options.data, options.accent) for folder in options.models]
    points.sort(key=lambda point: point.hours)
    text = table(points)
    print(text)
    options.out.mkdir(parents=True, exist_ok=True)
    with atomic_write(options.out / "curve.md") as part:
        part.write_text(text, encoding="utf-8")
    draw(points, options.out / "curve.png")


if __name__ == "__main__":
    main()
