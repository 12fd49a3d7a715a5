"""Folds of a cross validation over people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmtts.data.pair_tables import FaceSpeechPair


def hold_out(
    pairs: Sequence[FaceSpeechPair], folds: int, fold: int, seed: int
) -> dict[str, list[FaceSpeechPair]]:
    """Deal people into folds and hold one out.

    Args:
        pairs: Of everyone.
        folds: How many.
        fold: Which is held out.
        seed: Of the deal.

    Returns:
        "train" and "valid" pairs; of those who are held out only their `own_recordings`.
    """
    people = sorted({pair.person for pair in pairs})
    dealt = np.random.default_rng(seed).permutation(len(people)) % folds
    held = {person for person, part in zip(people, dealt, strict=True) if part == fold}
    return {
        "train": [pair for pair in pairs if pair.person not in held],
        "valid": [pair for pair in own_recordings(pairs) if pair.person in held],
    }


def own_recordings(pairs: Sequence[FaceSpeechPair]) -> list[FaceSpeechPair]:
    """Pairs of a face with the clip of its own recording, which has the face's name.

    A face of which there is no such clip keeps all its pairs.
    """
    own = [pair for pair in pairs if pair.cut.endswith(f"-{Path(pair.face).stem}")]
    recorded = {pair.face for pair in own}
    return [*own, *(pair for pair in pairs if pair.face not in recorded)]
