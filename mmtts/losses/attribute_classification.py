"""Classification of what a prompt names, silence included."""

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
