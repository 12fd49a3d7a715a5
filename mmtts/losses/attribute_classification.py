"""Classification of what a prompt names, silence included, and of what is heard in a voice."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


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
    return torch.stack(terms).mean()


def listening_loss(logits: list[Tensor], known: Tensor) -> Tensor:
    """Mean cross-entropy of attributes where they are known, over the attributes of which any is.

    Args:
        logits: For each attribute (B, n).
        known: int64 (B, A), -1 = unknown.
    """
    terms = [
        F.cross_entropy(scores, column, ignore_index=-1)
        for scores, column in zip(logits, known.unbind(-1), strict=True)
        if bool((column >= 0).any())
    ]
    return torch.stack(terms).mean() if terms else logits[0].sum() * 0.0


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
    return (each * counts).sum() / counts.sum().clamp(min=1)
