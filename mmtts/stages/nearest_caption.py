"""The baseline that learns nothing: a prompt gets voices of the training prompt most like it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs
from mmtts.data.prompt_splits import overlaps


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
    clips: dict[str, list[str]] = defaultdict(list)
    for prompt, item in zip(train.prompts, train.items, strict=True):
        clips[prompt].append(item)
    known = sorted(clips)
    nearest = overlaps(list(prompts), known).argmax(1)
    rng = np.random.default_rng(seed)
    chosen = [rng.choice(clips[known[k]], draws) for k in nearest]
    return np.stack([styles.take([str(item) for item in items]) for items in chosen])
