"""Folds of a cross validation over people, and people drawn from very many."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmtts.data.columns import Rows
from mmtts.data.pair_tables import FaceSpeechPair

Pairs = Rows[FaceSpeechPair]


def hold_out(pairs: Pairs, folds: int, fold: int, seed: int) -> dict[str, Pairs]:
    """Deal people into folds and hold one out.

    Args:
        pairs: Of everyone.
        folds: How many.
        fold: Which is held out.
        seed: Of the deal.

    Returns:
        "train" and "valid" pairs; of those who are held out only their `own_recordings`.
    """
    people = pairs.column("person").distinct()
    dealt = np.random.default_rng(seed).permutation(len(people)) % folds
    own = own_recordings(pairs)
    return {
        "train": pairs.take(dealt[pairs.column("person").numbers()] != fold),
        "valid": own.take(dealt[own.column("person").numbers()] == fold),
    }


def own_recordings(pairs: Pairs) -> Pairs:
    """Pairs of a face with the clip of its own recording, which has the face's name.

    A face of which there is no such clip keeps all its pairs.
    """
    face, cut = pairs.column("face"), pairs.column("cut")
    ends = [f"-{Path(value).stem}" for value in face.values]
    codes = zip(face.codes.tolist(), cut.codes.tolist(), strict=True)
    own = np.array([cut.values[c].endswith(ends[f]) for f, c in codes], bool)
    recorded = np.zeros(len(face.values), bool)
    recorded[face.codes[own]] = True
    others = np.flatnonzero(~recorded[face.codes])
    return pairs.take(np.concatenate([np.flatnonzero(own), others]))


def some_people(pairs: Pairs, most: int) -> Pairs:
    """All pairs of so many people, drawn at random, that there are at most `most`.

    At least one person stays; everyone where there are no more pairs than that.
    """
    if len(pairs) <= most:
        return pairs
    person = pairs.column("person").numbers()
    counts = np.bincount(person)
    order = np.random.default_rng(0).permutation(len(counts))
    fitting = int(np.searchsorted(counts[order].cumsum(), most, side="right"))
    chosen = np.zeros(len(counts), bool)
    chosen[order[: max(1, fitting)]] = True
    return pairs.take(np.flatnonzero(chosen[person]))
