"""Solver of the flow's differential equation dx/dt = velocity(x, t), from t = 0 to t = 1.

Nothing here needs torch: it solves for tensors and for arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, TypeVar

# Times are spaced so that steps are short at first, where the solver knows no earlier velocity.
BEND = 1.25
Points = TypeVar("Points", bound=Any)  # a tensor or an array


def times(steps: int) -> list[float]:
    """Return the `steps` + 1 times between the steps, from 0 to 1."""
    return [(step / steps) ** BEND for step in range(steps + 1)]


def integrate(velocity: Callable[[Points, float], Points], noise: Points, steps: int) -> Points:
    """Carry noise to data by the two-step Adams-Bashforth method; a single step is Euler's.

    It follows the line through the last two velocities, so it costs one evaluation a step like
    Euler's method, and its error falls with the square of the step.

    Args:
        velocity: function of x (B, ...) and t that returns (B, ...).
        noise: x_0 (B, ...), a tensor or an array.
        steps: number of steps, at least 1.

    Returns:
        x_1 (B, ...).
    """
    x, earlier, before = noise, None, 0.0
    for start, end in pairwise(times(steps)):
        now, step = velocity(x, start), end - start
        ahead = now if earlier is None else now + (now - earlier) * (step / before / 2)
        x = x + ahead * step
        earlier, before = now, step
    return x
