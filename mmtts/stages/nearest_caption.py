"""The baseline that learns nothing: a prompt gets voices of the training prompt most like it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs
from mmtts.data.prompt_splits import overlaps

CHUNK = 4096  # sentences that are compared at once


def voices_of_nearest_captions(
    prompts: Sequence[str], train: PromptPairs, styles: Table, draws: int, seed: int = 0
) -> np.ndarray:
    """Draw clips that stand beside the training prompt with the largest word overlap.

    Args:
        prompts: n sentences.
        train: Training prompts with the clips that they were written for.
        styles: Of these clips.
        draws: Clips for each prompt, drawn with replacement.
        seed: Of the draws.

    Returns:
        Styles float32 (n, draws, D).
    """
    known = train.prompts.distinct()
    nearest = np.array([train.prompts.values.index(known[k]) for k in _most_alike(prompts, known)])
    rows = np.argsort(train.prompts.codes, kind="stable")  # prompt after prompt
    counts = np.bincount(train.prompts.codes, minlength=len(train.prompts.values))
    first = counts.cumsum() - counts
    rng = np.random.default_rng(seed)
    chosen = [rows[first[k] + rng.choice(counts[k], draws)] for k in nearest]
    found = styles.take(train.items.take(np.concatenate(chosen)))
    return found.reshape(len(prompts), draws, -1)


def _most_alike(prompts: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Which of the known sentences each prompt overlaps most with, int64 (n,); ties: the first."""
    best, place = np.full(len(prompts), -1.0), np.zeros(len(prompts), np.int64)
    for start in range(0, len(known), CHUNK):
        alike = overlaps(list(prompts), known[start : start + CHUNK])
        better = alike.max(1) > best
        place[better] = start + alike.argmax(1)[better]
        best = np.maximum(best, alike.max(1))
    return place
