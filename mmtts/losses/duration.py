"""The loss of a network that guesses how long phonemes last."""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.losses.gathering import global_mean

LONGEST = 32.0  # frames, half a second of the usual ones


def duration_loss(log_durations: Tensor, durations: Tensor, mask: Tensor) -> Tensor:
    """Poisson negative log-likelihood of durations, averaged over phonemes, up to a constant.

    What lasts longer than `LONGEST` counts as that long: how long someone stops to think is not in
    the text, and a single such pause would outweigh all phonemes of a batch.

    Args:
        log_durations: predicted log of the mean, frames (B, N).
        durations: frames (B, N).
        mask: bool (B, N), True = valid.

    Returns:
        Scalar; smallest (0) where exp(log_durations) equals durations, at most `LONGEST`.
    """
    log_durations = log_durations.float()
    target = durations.to(log_durations.dtype).clamp_max(LONGEST)
    deviance = log_durations.exp() - target * log_durations
    floor = target - torch.special.xlogy(target, target)
    count = mask.sum()
    return global_mean(((deviance - floor) * mask).sum() / count.clamp_min(1), count)
