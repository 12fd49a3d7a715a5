"""A table over runs of stage 3, and over their seeds.

    python -m mmtts.train experiment=stage3_lab name=all -m seed=1,2,3
    python scripts/prompt_table.py runs/stage3/all runs/stage3/no_text_face

Reads what every run gave the prompts of the test split (`held_out.npz`) and prints how often a
linear probe, fitted on the styles of training clips, hears in it what the prompt names, and how
unlike the draws for one prompt are (mean of 1 - likeness). Accuracies are means over the values of
an attribute, however often each is named. The first row is what the probe hears in the clips of the
test split; the second, where runs have it, what it hears in clips of the training prompt with most
words in common.
Intervals (95 %) resample prompts, or clips; a row is the mean over the seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tables import Row, read_options, write_tables

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.attributes import ATTRIBUTES, audible
from mmtts.metrics.bootstrap import Interval, bootstrap, bootstrap_mean
from mmtts.metrics.diversity import mean_pairwise_distance
from mmtts.metrics.likeness import centered

HEARD = ("gender", "age", "pitch", "pace", "emotion")
COLUMNS = ("run", "voices", *HEARD, "diversity", "prompts", "seeds")
REAL, BASELINE = "recordings", "no training"
Held = Mapping[str, np.ndarray]


@one_sentence
def main() -> None:
    options = read_options(__doc__)
    found = {runs.name: read_seeds(runs) for runs in options.runs}
    first = next(iter(found.values()))[0]
    clips = heard_rows(first["facts"], first["heard_clips"][:, None], options.draws)
    rows = [Row((REAL, "clips of the test split"), (*clips, None), (len(first["facts"]), 1))]
    if "nearest" in first:
        rows.append(
            row_of(BASELINE, "clips of the nearest caption", [first], "nearest", options.draws)
        )
    for name, seeds in found.items():
        rows.append(row_of(name, "draws", seeds, "draws", options.draws))
        rows.append(row_of(name, "stable default", seeds, "mean", options.draws))
    write_tables(COLUMNS, rows, options.out)


def row_of(run: str, title: str, seeds: list[Held], voices: str, draws: int) -> Row:
    """What is heard in one kind of voices, and how unlike several of them are for one prompt."""
    held = [seed[f"heard_{voices}"] for seed in seeds]
    heard = np.concatenate([h if h.ndim == 3 else h[:, None] for h in held], axis=1)
    cells = heard_rows(seeds[0]["claims"], heard, draws)
    unlike = diversity(seeds, voices) if held[0].ndim == 3 else None
    return Row((run, title), (*cells, unlike), (len(heard), len(seeds)))


def read_seeds(runs: Path) -> list[Held]:
    """Read what every run below a folder gave; all of them were asked the same.

    Raises:
        InputError: There is none, or they were asked different prompts.
    """
    seeds: list[Held] = []
    for path in sorted(runs.rglob("held_out.npz")):
        with np.load(path, allow_pickle=False) as file:
            seeds.append(dict(file))
        if "prompt" not in seeds[-1]:
            raise InputError(f"{path} is no run of stage 3")
        if not np.array_equal(seeds[0]["prompt"], seeds[-1]["prompt"]):
            raise InputError(f"{path} was asked other prompts than the runs beside it")
    if not seeds:
        raise InputError(f"{runs} has no held_out.npz; train stage 3 there first")
    return seeds


def heard_rows(asked: np.ndarray, heard: np.ndarray, draws: int) -> list[Interval]:
    """Accuracy of each attribute of `HEARD`; arguments as for `answers`."""
    return [accuracy(*answer, draws) for answer in answers(asked, heard)]


def answers(asked: np.ndarray, heard: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each attribute of `HEARD`, what was asked (m,), and the share heard so (m,).

    Args:
        asked: int64 (n, >= 6), -1 = nothing.
        heard: int64 (n, k, >= 6): k voices each.
    """
    asked = audible(asked[:, : len(ATTRIBUTES)])
    found = []
    for column in map(list(ATTRIBUTES).index, HEARD):
        named, voices = asked[:, column], heard[:, :, column]
        known = (named >= 0) & (voices >= 0).all(1)
        found.append((named[known], (voices == named[:, None])[known].mean(1)))
    return found


def balanced(asked: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean over the values asked for of the share that is right, (m,) each."""
    weights = np.ones(len(asked)) if weights is None else weights
    of = [np.flatnonzero((asked == value) & (weights > 0)) for value in np.unique(asked)]
    return float(np.mean([np.average(right[k], weights=weights[k]) for k in of if len(k)]))


def accuracy(asked: np.ndarray, right: np.ndarray, draws: int) -> Interval:
    """`balanced` with its interval."""
    if not len(asked):
        return bootstrap_mean([])
    return bootstrap(lambda weights: balanced(asked, right, weights), len(asked), 0, draws=draws)


def diversity(seeds: list[Held], voices: str) -> Interval:
    """Mean of 1 - likeness over the voices of one prompt."""
    found = [
        [mean_pairwise_distance(centered(z, held["mean_voice"])) for z in held[voices]]
        for held in seeds
    ]
    return bootstrap_mean(np.mean(found, axis=0).tolist())


if __name__ == "__main__":
    main()
