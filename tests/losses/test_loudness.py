import pytest
import torch

from mmtts.losses.loudness import UNIT_DB, loudness_loss

NAN = float("nan")


def test_by_hand():
    predicted = torch.tensor([UNIT_DB, -2 * UNIT_DB, 40.0])
    named = torch.tensor([False, True, True])
    loudness = torch.tensor([-2 * UNIT_DB, -4 * UNIT_DB, NAN])
    fits = torch.tensor([[True, True, True], [True, True, False], [False, False, True]])
    # Drawn to 0: 1 unit off, 0.5. Drawn to both clips: 0 and 2 units off, (0 + 1.5) / 2. The third
    # prompt fits only the clip of unknown loudness, so it does not count.
    loss = loudness_loss(predicted, named, loudness, fits)
    assert float(loss) == pytest.approx((0.5 + 0.75) / 2)


def test_unknown_loudness_gives_no_gradient_and_no_nan():
    predicted = torch.tensor([3.0, -3.0], requires_grad=True)
    named = torch.tensor([True, False])
    loss = loudness_loss(predicted, named, torch.tensor([NAN, NAN]), torch.eye(2).bool())
    loss.backward()
    assert predicted.grad is not None
    assert predicted.grad[0] == 0.0 and predicted.grad[1] < 0.0
    nothing = loudness_loss(predicted[:1], named[:1], torch.tensor([NAN]), torch.ones(1, 1).bool())
    assert nothing.item() == 0.0


def test_the_least_loss_lies_at_the_median_of_far_apart_clips():
    loudness = torch.tensor([-90.0, 3.0, 90.0])
    fits, named = torch.ones(1, 3).bool(), torch.tensor([True])
    values = torch.arange(-20.0, 20.0, 0.5)
    losses = [float(loudness_loss(v[None], named, loudness, fits)) for v in values]
    assert float(values[losses.index(min(losses))]) == 3.0
