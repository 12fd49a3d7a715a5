"""Solver of the flow's differential equation dx/dt = velocity(x, t), from t = 0 to t = 1."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

# Times are spaced so that steps are short at first, where the solver knows no earlier velocity.
BEND = 1.25


def times(steps: int) -> list[float]:
    """Return the `steps` + 1 times between the steps, from 0 to 1."""
    return [(step / steps) ** BEND for step in range(steps + 1)]


def integrate(velocity: Callable[[Tensor, Tensor], Tensor], noise: Tensor, steps: int) -> Tensor:
    """Carry noise to data by the two-step Adams-Bashforth method; a single step is Euler's.

    It follows the line through the last two velocities, so it costs one evaluation a step like
    Euler's method, and its error falls with the square of the step.

    Args:
        velocity: function of x (B, ...) and t (B,) that returns (B, ...).
        noise: x_0 (B, ...).
        steps: number of steps, at least 1.

    Returns:
        x_1 (B, ...).
    """
    x, grid = noise, times(steps)
    earlier, before = None, 0.0
    for start, end in pairwise(grid):
        t = torch.full((x.shape[0],), start, device=x.device, dtype=x.dtype)
        now, step = velocity(x, t), end - start
        ahead = now if earlier is None else now + (now - earlier) * (step / before / 2)
        x = x + ahead * step
        earlier, before = now, step
    return x
