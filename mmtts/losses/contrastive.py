"""Contrastive losses between two modalities, with any number of positives per item.

A person has several clips and a description fits many voices, so "the i-th face belongs to the i-th
clip" is too narrow. Both losses take a mask of positives, and a mask of pairs that count at all: a
pair whose relation is unknown is neither attracted nor repelled.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MAX_LOG_SCALE = math.log(100.0)  # CLIP's cap: beyond it training becomes unstable


def _check_masks(a: Tensor, b: Tensor, positives: Tensor, known: Tensor | None) -> Tensor:
    """Check the masks' shapes and return the mask of the pairs that count."""
    shape = (a.shape[0], b.shape[0])
    if tuple(positives.shape) != shape:
        raise ValueError(f"positives must be {shape}, got {tuple(positives.shape)}")
    if known is None:
        return torch.ones_like(positives)
    if tuple(known.shape) != shape:
        raise ValueError(f"known must be {shape}, got {tuple(known.shape)}")
    return known | positives


def multi_positive_cross_entropy(logits: Tensor, positives: Tensor, known: Tensor) -> Tensor:
    """Mean over rows of the cross-entropy between softmax(logits) and "one of my positives".

    For a row i with positives P(i): -1/|P(i)| * sum over p in P(i) of log softmax(logits_i)_p
    (Khosla et al. 2020, the "out" form). Rows without a positive do not count.

    Args:
        logits: `(A, B)`.
        positives: `(A, B)` bool.
        known: `(A, B)` bool, the pairs in the softmax; contains the positives.
    """
    log_p = logits.masked_fill(~known, -math.inf).log_softmax(-1)
    count = positives.sum(-1)
    # masked_fill and not a product: 0 * -inf would be NaN
    per_row = -log_p.masked_fill(~positives, 0.0).sum(-1) / count.clamp(min=1)
    rows = count > 0
    return (per_row * rows).sum() / rows.sum().clamp(min=1)


class InfoNCE(nn.Module):
    """Symmetric InfoNCE with multiple positives and a learned temperature.

    Args:
        temperature: Initial temperature, in (0.01, inf).
        learn: Whether the temperature is trained.
    """

    def __init__(self, temperature: float = 0.07, learn: bool = True) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature:g}")
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)), requires_grad=learn)

    def forward(
        self, a: Tensor, b: Tensor, positives: Tensor, known: Tensor | None = None
    ) -> Tensor:
        """Attract the positives of either side.

        Args:
            a: Unit vectors `(A, D)`.
            b: Unit vectors `(B, D)`.
            positives: `(A, B)` bool.
            known: `(A, B)` bool, False = the pair is ignored; None = every pair counts.

        Returns:
            Scalar loss: the mean of the two directions; 0 without any positive.
        """
        known = _check_masks(a, b, positives, known)
        logits = self.log_scale.clamp(max=MAX_LOG_SCALE).exp() * (a @ b.T)
        there = multi_positive_cross_entropy(logits, positives, known)
        back = multi_positive_cross_entropy(logits.T, positives.T, known.T)
        return (there + back) / 2


class SigLIP(nn.Module):
    """Pairwise sigmoid loss (Zhai et al. 2023): every pair is one yes-or-no question.

    It needs no normalization over the batch, so many positives are as natural as one.

    Args:
        temperature: Initial temperature, > 0 (the paper's scale of 10 is 0.1).
        bias: Initial bias; negative because most pairs are negatives.
    """

    def __init__(self, temperature: float = 0.1, bias: float = -10.0) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature must be positive, got {temperature:g}")
        self.log_scale = nn.Parameter(torch.tensor(-math.log(temperature)))
        self.bias = nn.Parameter(torch.tensor(float(bias)))

    def forward(
        self, a: Tensor, b: Tensor, positives: Tensor, known: Tensor | None = None
    ) -> Tensor:
        """Answer every known pair; shapes as in `InfoNCE`.

        Returns:
            Scalar: the sum over known pairs of -log sigmoid(+-(scale * a.b + bias)), divided by A.
        """
        known = _check_masks(a, b, positives, known)
        logits = self.log_scale.clamp(max=MAX_LOG_SCALE).exp() * (a @ b.T) + self.bias
        sign = positives.to(logits.dtype) * 2 - 1
        return -(F.logsigmoid(sign * logits) * known).sum() / a.shape[0]
