"""Conditional flow matching along straight (optimal-transport) paths.

Source: Lipman et al. 2023 (arXiv 2210.02747), example II: x_t = (1 - (1 - sigma) t) x_0 + t x_1
with the velocity x_1 - (1 - sigma) x_0, for noise x_0 ~ N(0, I) and data x_1.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SIGMA = 1e-4


class PathPoint(NamedTuple):
    """A point on the path from noise to data."""

    x: Tensor
    velocity: Tensor


def path_point(noise: Tensor, data: Tensor, t: Tensor, sigma: float = SIGMA) -> PathPoint:
    """Point and velocity at time t.

    Args:
        noise: x_0 (B, ...).
        data: x_1 (B, ...).
        t: time in [0, 1] (B,).
        sigma: standard deviation left at t = 1.

    Returns:
        x_t and its velocity, both (B, ...).
    """
    time = t.view(-1, *([1] * (data.dim() - 1)))
    return PathPoint((1 - (1 - sigma) * time) * noise + time * data, data - (1 - sigma) * noise)


def spread_times(count: int, generator: torch.Generator | None, device: torch.device) -> Tensor:
    """Times in [0, 1), one in each of `count` equal parts: less noise in the loss.

    As in Kingma et al. 2021 (arXiv 2107.00630, appendix I.1).
    """
    start = torch.rand(1, generator=generator, device=device)
    parts = torch.randperm(count, generator=generator, device=device)
    return (start + parts / count) % 1.0
