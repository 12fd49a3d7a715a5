"""The solver: exact where velocities are straight, of second order elsewhere."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from mmtts.networks.flow_solver import integrate, times


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_a_constant_velocity_is_followed_exactly(steps: int) -> None:
    start = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    slope = torch.arange(4.0).view(4, 1)
    found = integrate(lambda x, t: slope.expand_as(x), start, steps)
    torch.testing.assert_close(found, start + slope)


def test_two_steps_by_hand() -> None:
    seen: list[float] = []

    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        seen.append(t)
        return x * 0 + (1.0 if len(seen) == 1 else 3.0)

    found = integrate(velocity, torch.zeros(1, 1), 2)
    middle = 0.5**1.25
    assert seen == pytest.approx([0.0, middle])
    # The second step is led on by the change: 3 + (3 - 1) * (second / first) / 2.
    second = 1 - middle
    assert float(found) == pytest.approx(middle + second * (3 + second / middle))


def test_the_error_falls_with_the_square_of_the_step() -> None:
    start = torch.ones(2, 1, dtype=torch.float64)

    def error(steps: int) -> float:
        return float((integrate(lambda x, t: x, start, steps) - torch.e).abs().max())

    assert error(16) < error(8) / 3.5 < error(4) / 12


def test_times_begin_and_end_and_steps_get_longer() -> None:
    assert times(1) == [0.0, 1.0]
    grid = times(7)
    steps = [b - a for a, b in pairwise(grid)]
    assert grid[0] == 0 and grid[-1] == 1 and steps == sorted(steps)


def test_arrays_are_solved_like_tensors() -> None:
    start = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    solved = integrate(lambda x, t: x * np.float32(t) - 1, start, 4)
    expected = integrate(lambda x, t: x * t - 1, torch.from_numpy(start), 4)
    assert solved.dtype == np.float32
    np.testing.assert_allclose(solved, expected.numpy(), atol=1e-6)
