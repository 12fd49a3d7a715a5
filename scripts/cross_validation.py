"""A table over all folds and seeds of a cross validation of stage 2.

    python -m mmtts.train experiment=stage2_lab name=cv stage.data.folds=5 -m \
        stage.data.fold=0,1,2,3,4 seed=1,2,3
    python scripts/cross_validation.py runs/stage2/cv

Reads what every run gave the people that it held out (`held_out.npz`), and prints AUC, 5-way
matching and AUC within one gender of z_f, of the mean voice, of a ridge regression from the same
features and of the nearest training face's voice, and how much z_f has over that regression. The
last two know nothing of a run: they stand there once where several runs have the same. Pairs
are compared within their fold and pooled over the folds of one seed; the table has the mean over
seeds, and a 95 % interval that resamples people, for differences the same people on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml
from tables import Row, read_options, write_tables

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.metrics.bootstrap import Interval, bootstrap, bootstrap_mean
from mmtts.metrics.likeness import likeness
from mmtts.metrics.verification import Pairs, make_pairs, matching_chances, roc_auc
from mmtts.stages.face_voice_scores import METHODS, HeldOut, one_of_each

TITLES = {
    "z_f": "z_f",
    "mean": "mean voice",
    "ridge": "ridge regression, same features",
    "nearest": "voice of the nearest training face",
}
BASELINES = ("ridge", "nearest")  # know nothing of a run but its features and folds
OVER = "z_f over ridge regression"
COLUMNS = ("run", "voice", "AUC", "5-way matching", "AUC within a gender", "people", "seeds")


@one_sentence
def main() -> None:
    options = read_options(__doc__)
    rows: list[Row] = []
    first: dict[int, list[HeldOut]] = {}
    for runs in options.runs:
        folds = read_folds(runs)
        first = first or folds
        known = set() if folds is first else {m for m in BASELINES if not differ(folds, first, m)}
        rows += rows_of(runs.name, folds, known, options.draws)
    write_tables(COLUMNS, rows, options.out)


def rows_of(run: str, folds: dict[int, list[HeldOut]], known: Set[str], draws: int) -> list[Row]:
    """One row for each method that every run has and is not known, and one for z_f over ridge."""
    given = [m for m in METHODS if all(m in held for group in folds.values() for held in group)]
    found = {method: scores(folds, method) for method in given}
    rows = [(TITLES[m], score.intervals(draws)) for m, score in found.items() if m not in known]
    if "ridge" in found:
        rows.append((OVER, found["z_f"].intervals(draws, found["ridge"])))
    return [Row((run, title), tuple(x), (x[0].n, len(folds))) for title, x in rows]


def differ(
    folds: Mapping[int, list[HeldOut]], others: Mapping[int, list[HeldOut]], method: str
) -> bool:
    """Whether a method gave other voices in other folds."""
    if folds.keys() != others.keys():
        return True
    pairs = [pair for seed in folds for pair in zip(folds[seed], others[seed], strict=True)]
    return any(method in a and not np.array_equal(a[method], b.get(method)) for a, b in pairs)


def read_folds(runs: Path) -> dict[int, list[HeldOut]]:
    """Read what every run below a folder held out: seed -> one for each fold.

    Raises:
        InputError: There is none, or a seed lacks a fold or has one twice.
    """
    found: dict[int, dict[int, HeldOut]] = {}
    wanted = 0
    for path in sorted(runs.rglob("held_out.npz")):
        config = yaml.safe_load((path.parent / "config.yaml").read_text("utf-8"))
        data, seed = config["stage"]["data"], int(config["seed"])
        wanted = int(data["folds"])
        if data["fold"] in found.setdefault(seed, {}):
            raise InputError(f"{runs} has fold {data['fold']} of seed {seed} twice; sort them out")
        with np.load(path, allow_pickle=False) as file:
            found[seed][data["fold"]] = dict(file)
    if not found:
        raise InputError(f"{runs} has no held_out.npz; train stage 2 there first")
    for seed, folds in found.items():
        if len(folds) != wanted:
            raise InputError(f"{runs} has {len(folds)} of {wanted} folds with seed {seed}")
    return {seed: list(folds.values()) for seed, folds in found.items()}


class Scores(NamedTuple):
    """What one method found.

    Attributes:
        every: All pairs of each seed, pooled over its folds.
        within: The same within a gender.
        people: Whose match each of `hits` is (n,).
        hits: Chances to be matched right among five (n,).
    """

    every: list[Pairs]
    within: list[Pairs]
    people: list[str]
    hits: np.ndarray

    def intervals(self, draws: int, other: Scores | None = None) -> list[Interval]:
        """AUC, 5-way matching and AUC within a gender, or how much they have over another's."""
        hits = self.hits if other is None else self.hits - other.hits
        return [
            _auc(self.every, None if other is None else other.every, draws),
            bootstrap_mean(hits.tolist(), self.people),
            _auc(self.within, None if other is None else other.within, draws),
        ]


def _auc(groups: list[Pairs], others: list[Pairs] | None, draws: int) -> Interval:
    def statistic(weights: np.ndarray) -> float:
        own = float(np.mean([roc_auc(pairs, weights) for pairs in groups]))
        if others is None:
            return own
        return own - float(np.mean([roc_auc(pairs, weights) for pairs in others]))

    return bootstrap(statistic, groups[0].n_people, seed=0, draws=draws)


def scores(folds: dict[int, list[HeldOut]], method: str) -> Scores:
    """Compare every face's voice with every clip of its fold."""
    names = sorted({str(p) for group in folds.values() for held in group for p in held["person"]})
    number = {name: k for k, name in enumerate(names)}
    found = Scores([], [], [], np.zeros(0))
    hits: list[float] = []
    for seed, group in folds.items():
        parts = [compare(held, method) for held in group]
        found.every.append(pool([make_pairs(s, q, i) for s, q, i, _ in parts], parts, number))
        found.within.append(pool([make_pairs(*part) for part in parts], parts, number))
        for similarity, queries, items, _ in parts:
            asked, right = matching_chances(similarity, queries, items, 5, seed=seed)
            found.people.extend(asked)
            hits += right
    return found._replace(hits=np.array(hits))


def compare(held: HeldOut, method: str) -> tuple[np.ndarray, list[str], list[str], dict[str, str]]:
    """Likeness (I, J) of each face's voice to each clip, who these belong to, and the genders."""
    faces, clips = one_of_each(held["face"]), one_of_each(held["cut"])
    person, gender = held["person"], held["gender"]
    found = likeness(held[method][faces], held["voice"][clips], held["mean_voice"])
    known = {str(p): str(g) for p, g in zip(person, gender, strict=True) if g >= 0}
    return found, person[faces].tolist(), person[clips].tolist(), known


def pool(groups: list[Pairs], parts: list, number: dict[str, int]) -> Pairs:
    """Put the pairs of several folds together, everyone under his number."""
    score, same, left, right = [], [], [], []
    for pairs, (_, queries, items, _) in zip(groups, parts, strict=True):
        of = np.array([number[name] for name in np.unique([*queries, *items])])
        score.append(pairs.score)
        same.append(pairs.same)
        left.append(of[pairs.left])
        right.append(of[pairs.right])
    together = [np.concatenate(x) for x in (score, same, left, right)]
    order = np.argsort(-together[0], kind="stable")
    first, second, third, fourth = (x[order] for x in together)
    return Pairs(first, second, third, fourth, len(number))


if __name__ == "__main__":
    main()
