"""Classification of what a prompt names, silence included, and of what is heard in a voice."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmtts.losses.gathering import global_mean, global_sum, processes


def attribute_loss(logits: list[Tensor], named: Tensor) -> Tensor:
    """Mean cross-entropy over attributes; an attribute that is not named is the last class.

    Args:
        logits: For each attribute (B, n + 1).
        named: int64 (B, A), -1 = not named.
    """
    targets = [
        torch.where(column < 0, scores.shape[-1] - 1, column)
        for scores, column in zip(logits, named.unbind(-1), strict=True)
    ]
    terms = [F.cross_entropy(x, y) for x, y in zip(logits, targets, strict=True)]
    return global_mean(torch.stack(terms).mean(), len(named))


def listening_loss(
    logits: list[Tensor], known: Tensor, present: Sequence[bool] | None = None
) -> Tensor:
    """Mean cross-entropy of attributes where they are known, over the attributes of which any is.

    Args:
        logits: For each attribute (B, n).
        known: int64 (B, A), -1 = unknown.
        present: Of which attributes any is known (A,); None asks the device.
    """
    if present is None:
        present = (known >= 0).any(0).tolist()
    # What one process knows nothing of, another may.
    chosen = [k for k, there in enumerate(present) if there or processes() > 1]
    if not chosen:
        return logits[0].sum() * 0.0
    counts = torch.stack([(known[:, k] >= 0).sum() for k in chosen])
    sums = [
        F.cross_entropy(logits[k], known[:, k], ignore_index=-1, reduction="sum") for k in chosen
    ]
    means = global_mean(torch.stack(sums) / counts.clamp(min=1), counts)
    return means.sum() / (global_sum(counts) > 0).sum().clamp(min=1)


def quality_loss(logits: Tensor, known: Tensor) -> Tensor:
    """Binary cross-entropy of voice qualities where they are known.

    Args:
        logits: (B, Q).
        known: int64 (B, Q): 1 true, 0 false, -1 unknown.

    Returns:
        Mean over what is known; 0 where nothing is.
    """
    counts = known >= 0
    each = F.binary_cross_entropy_with_logits(logits, known.to(logits.dtype), reduction="none")
    return global_mean((each * counts).sum() / counts.sum().clamp(min=1), counts.sum())
