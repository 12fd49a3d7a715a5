"""Classifier-free guidance: follow a condition more strictly than it was learned.

Source: Ho & Salimans 2022, Classifier-Free Diffusion Guidance (arXiv 2207.12598), equation 6, with
    weight = 1 + w: 0 forgets the condition, 1 is the learned law, more exaggerates the condition.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def extrapolate(free: Tensor, conditioned: Tensor, weight: float) -> Tensor:
    """Go from the unconditional prediction through the conditional one, both (...): (...)."""
    return free + weight * (conditioned - free)


def guided(
    predict: Callable[[Tensor], Tensor], condition: Tensor, null: Tensor, weight: float
) -> Tensor:
    """Predict under guidance; weights 0 and 1 need one prediction instead of two.

    Args:
        predict: function of a condition (B, ..., D) that returns (B, ...).
        condition: (B, ..., D).
        null: what training put in the condition's place when it hid it, as large.
        weight: guidance weight.

    Returns:
        (B, ...).
    """
    if weight == 1.0:
        return predict(condition)
    free = predict(null)
    if weight == 0.0:
        return free
    return extrapolate(free, predict(condition), weight)
