"""Regression of how loud a prompt wants to be spoken."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from mmtts.losses.gathering import global_mean

UNIT_DB = 3.0  # errors beyond it count by their size, smaller ones by their square


def loudness_loss(predicted: Tensor, named: Tensor, loudness: Tensor, fits: Tensor) -> Tensor:
    """Smooth L1 (Girshick, arXiv 1504.08083) toward the items that a prompt describes.

    A prompt that says nothing of loudness is drawn to 0 dB. One that does is drawn to all items of
    the batch that fit it and whose loudness is known; without any it does not count.

    Args:
        predicted: Of each prompt (P,), in dB.
        named: bool (P,), whether the prompt says how loud.
        loudness: Of each item (I,), in dB; NaN = unknown.
        fits: bool (P, I), which prompts describe which items.

    Returns:
        Mean over the prompts that count, in units of `UNIT_DB`; 0 without any.
    """
    known = fits & loudness.isfinite()
    share = known / known.sum(dim=1, keepdim=True).clamp(min=1)
    target = loudness.nan_to_num() / UNIT_DB
    mine = predicted / UNIT_DB
    rows, columns = torch.broadcast_tensors(mine[:, None], target)
    pairs = F.smooth_l1_loss(rows, columns, reduction="none")
    silent = F.smooth_l1_loss(mine, torch.zeros_like(mine), reduction="none")
    each = torch.where(named, (share * pairs).sum(dim=1), silent)
    counts = ~named | known.any(dim=1)
    return global_mean((each * counts).sum() / counts.sum().clamp(min=1), counts.sum())
