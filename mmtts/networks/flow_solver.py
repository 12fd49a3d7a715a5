"""Solver of the flow's differential equation dx/dt = velocity(x, t), from t = 0 to t = 1."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def integrate(velocity: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int) -> Tensor:
    """Carry noise to data with Euler steps of equal length.

    Args:
        velocity: function of x (B, ...) and t (B,) that returns (B, ...).
        noise: x_0 (B, ...).
        steps: number of steps, at least 1.

    Returns:
        x_1 (B, ...).
    """
    x = noise
    for step in range(steps):
        t = torch.full((x.shape[0],), step / steps, device=x.device, dtype=x.dtype)
        x = x + velocity(x, t) / steps
    return x
