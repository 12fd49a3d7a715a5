"""The loss of foreseen durations."""

import pytest
import torch

from mmtts.losses.duration import duration_loss


def test_duration_loss_is_smallest_at_the_mean() -> None:
    durations = torch.tensor([[2.0, 4.0, 12.0]])
    mask = torch.ones(1, 3, dtype=torch.bool)

    def loss(mean: float) -> float:
        return float(duration_loss(torch.full((1, 3), mean).log(), durations, mask))

    assert loss(6.0) < min(loss(5.5), loss(6.5))  # the arithmetic mean, not the geometric 4.58
    assert float(duration_loss(durations.log(), durations, mask)) == pytest.approx(0, abs=1e-5)


def test_a_long_pause_counts_as_a_short_one() -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    guess = torch.tensor([[5.0, 20.0]]).log()
    long, short = (torch.tensor([[4.0, frames]]) for frames in (300.0, 32.0))
    assert float(duration_loss(guess, long, mask)) == float(duration_loss(guess, short, mask)) < 3
