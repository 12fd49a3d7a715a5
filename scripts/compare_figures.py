"""Figures of a comparison of stages 2 and 3, from what their runs held out.

    python scripts/compare_figures.py --faces runs/compare/stage2/all \
        --prompts runs/compare/stage3/* --out outputs/compare

- `matching.png`: how often a face finds its voice among 2 to 50, by each method;
- `style_space.png`: clips, faces and prompts in the plane in which the clips differ most;
- `diversity.png`: how right and how unlike the voices of one prompt are, as guidance moves. It
  draws anew from every run's networks, for at most 100 prompts of the test split.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml
from cross_validation import TITLES, compare, read_folds
from prompt_table import answers, balanced, read_seeds

from mmtts.command.one_sentence import one_sentence
from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.pair_tables import PromptPairs, read_prompts
from mmtts.metrics.diversity import mean_pairwise_distance
from mmtts.metrics.likeness import centered
from mmtts.metrics.verification import matching_chances
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.prompt_voices import draw_prompt_voices
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.clip_tables import style_table
from mmtts.stages.prompt_scores import PromptProbe
from mmtts.storage.model_folder import load_config, load_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AMONG = (2, 3, 5, 10, 20, 50)
GUIDANCES = (0.5, 1.0, 1.5, 2.0, 3.0)
PROMPTS, DRAWS = 100, 4
AGES = dict(enumerate(ATTRIBUTES["age"]))
GENDERS = dict(enumerate(ATTRIBUTES["gender"]))


@one_sentence
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folds of stage 2")
    parser.add_argument("--prompts", type=Path, nargs="+", required=True, help="rows of stage 3")
    parser.add_argument("--out", type=Path, required=True, help="folder of the figures")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    folds = read_folds(options.faces)
    prompts = {folder.name: folder for folder in options.prompts}
    draw_matching(folds).savefig(options.out / "matching.png", dpi=120)
    held = read_seeds(next(iter(prompts.values())))[0]
    draw_style_space(folds[min(folds)][0], held).savefig(options.out / "style_space.png", dpi=120)
    draw_diversity(prompts).savefig(options.out / "diversity.png", dpi=120)
    print(f"{options.out}: matching.png, style_space.png, diversity.png")


def new_figure(wide: float, high: float, panels: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty figure of so many inches, and its panels side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(wide, high), layout="constrained")
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def draw_matching(folds: Mapping[int, list[Any]]) -> Figure:
    """Curves of N-way matching, as far as every fold has so many people.

    Everyone is asked once in each seed.
    """
    figure, (axis,) = new_figure(6, 4.5)
    given = [m for m in TITLES if all(m in held for group in folds.values() for held in group)]
    people = min(len(set(held["person"])) for group in folds.values() for held in group)
    choices = [n for n in AMONG if n <= people]
    for method in given:
        shares = []
        for among in choices:
            hits: list[float] = []
            for seed, group in folds.items():
                for held in group:
                    similarity, queries, items, _ = compare(held, method)
                    hits += matching_chances(similarity, queries, items, among, seed=seed)[1]
            shares.append(float(np.mean(hits)))
        axis.plot(choices, shares, marker="o", label=TITLES[method])
    axis.plot(choices, [1 / n for n in choices], color="0.6", linestyle=":", label="chance")
    axis.set_xscale("log")
    axis.set_xticks(choices, [str(n) for n in choices])
    axis.minorticks_off()
    axis.set_xlabel("voices to choose from")
    axis.set_ylabel("share of faces that find their own")
    axis.set_ylim(0, 1)
    axis.legend(fontsize=8)
    return figure


def draw_style_space(faces: Mapping[str, np.ndarray], prompts: Mapping[str, np.ndarray]) -> Figure:
    """Clips, faces and prompts by modality, gender and age, as the first two axes show them."""
    mean, width = faces["mean_voice"], faces["voice"].shape[1]
    drawn = prompts["draws"][:, 0, :width]
    drawn = drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)
    clips = centered(faces["voice"], mean)
    axes = np.linalg.svd(clips - clips.mean(0), full_matrices=False)[2][:2]
    points = {
        "clips": clips @ axes.T,
        "faces (z_f)": centered(faces["z_f"], mean) @ axes.T,
        "prompts (draws)": centered(drawn, mean) @ axes.T,
    }
    figure, panels = new_figure(13, 4.3, 3)
    for label, at in points.items():
        panels[0].scatter(*at.T, s=9, alpha=0.6, label=label)
    by_value(panels[1], points["clips"], faces["gender"], GENDERS, "o", "clip")
    by_value(panels[1], points["faces (z_f)"], faces["gender"], GENDERS, "x", "face")
    ages = prompts["claims"][:, list(ATTRIBUTES).index("age")]
    by_value(panels[2], points["prompts (draws)"], ages, AGES, "o", "prompt")
    for panel, title in zip(panels, ("modality", "gender", "age that is asked for"), strict=True):
        panel.set_title(title)
        panel.set_xticks([])
        panel.set_yticks([])
        panel.legend(fontsize=7)
    return figure


def by_value(
    panel: Axes, points: np.ndarray, codes: np.ndarray, names: dict[int, str], mark: str, what: str
) -> None:
    """Scatter points (n, 2) by their codes (n,); -1 is left out."""
    for code, name in names.items():
        if (codes == code).any():
            at = points[codes == code]
            panel.scatter(
                *at.T, s=12, alpha=0.7, marker=mark, color=f"C{code}", label=f"{what}, {name}"
            )


def draw_diversity(rows: Mapping[str, Path]) -> Figure:
    """One line for each row of stage 3, its points at the guidances; first seeds."""
    figure, (axis,) = new_figure(6.5, 4.8)
    for name, folder in rows.items():
        for best, style in ((True, "-"), (False, ":")) if name == "all" else ((True, "-"),):
            points = list(curve(folder, best))
            label = name if best else f"{name}, first draw instead of the best of many"
            axis.plot(*zip(*points, strict=True), marker="o", linestyle=style, label=label)
            for guidance, at in zip(GUIDANCES, points, strict=True):
                axis.annotate(
                    f"{guidance:g}", at, fontsize=6, textcoords="offset points", xytext=(3, 3)
                )
    axis.set_xlabel("diversity of the voices of one prompt (mean of 1 - likeness)")
    axis.set_ylabel("heard as asked (mean over attributes)")
    axis.legend(fontsize=8)
    return figure


@torch.no_grad()
def curve(folder: Path, best: bool) -> Iterator[tuple[float, float]]:
    """Diversity and accuracy of a row's voices at each guidance."""
    run = min(path.parent for path in folder.rglob("held_out.npz"))
    settings = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    data, stage1 = Path(settings["data"]["folder"]), settings["stage1"]
    probe, asked = probe_and_prompts(data, stage1)
    config = load_config(run / "model", "prompt_encoder")
    encoder = load_network(run / "model", config, "prompt_encoder", PromptEncoder).eval()
    sampler = load_network(run / "model", config, "style_sampler", StyleSampler).eval()
    with np.load(run / "held_out.npz", allow_pickle=False) as held:
        mean_voice = held["mean_voice"]
    z_p = encoder(encoder.tokenize(list(asked.prompts)))
    for guidance in GUIDANCES:
        noise = torch.Generator().manual_seed(0)
        if best:
            drawn = draw_prompt_voices(encoder, sampler, z_p, DRAWS, guidance, noise)
        else:
            drawn = sampler.sample(z_p, DRAWS, guidance, generator=noise)
        styles = drawn.numpy()
        heard = answers(asked.claims, probe.hear(styles))
        right = [balanced(*answer) for answer in heard if len(answer[0])]
        unlike = [mean_pairwise_distance(centered(z, mean_voice)) for z in styles]
        yield float(np.mean(unlike)), float(np.mean(right))


@functools.cache
def probe_and_prompts(data: Path, stage1: str) -> tuple[PromptProbe, PromptPairs]:
    """What hears attributes in styles, and the prompts that it is asked about."""
    train, valid, test = (
        read_prompts(data, split, "speech") for split in ("train", "valid", "test")
    )
    return PromptProbe(style_table(stage1, data), train, valid), test.distinct_prompts(PROMPTS)


if __name__ == "__main__":
    main()
