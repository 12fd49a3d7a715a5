"""The attribute loss counts what a prompt leaves open."""

import math

import torch

from mmtts.losses.attribute_classification import attribute_loss, listening_loss, quality_loss


def test_attribute_loss_counts_silence_as_a_class() -> None:
    right = [torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 9.0]])]
    assert attribute_loss(right, torch.tensor([[0, -1]])) < 0.01
    assert attribute_loss(right, torch.tensor([[1, -1]])) > 4.0


def test_listening_loss_counts_what_is_known() -> None:
    logits = [torch.zeros(3, 2), torch.tensor([[9.0, 0.0, 0.0]] * 3), torch.zeros(3, 4)]
    known = torch.tensor([[0, 0, -1], [-1, 0, -1], [1, -1, -1]])
    # One attribute undecided, one right, one known of nobody.
    right = math.log1p(2 * math.exp(-9))
    expected = (math.log(2) + right) / 2
    assert math.isclose(float(listening_loss(logits, known)), expected, abs_tol=1e-6)
    assert listening_loss(logits, torch.full((3, 3), -1)) == 0


def test_quality_loss_counts_what_is_known() -> None:
    logits = torch.tensor([[0.0, 9.0, -9.0], [0.0, -9.0, 9.0]], requires_grad=True)
    known = torch.tensor([[1, 1, -1], [0, -1, -1]])
    loss = quality_loss(logits, known)
    # Two undecided answers, one right one.
    assert math.isclose(
        float(loss.detach()), (2 * math.log(2) + math.log1p(math.exp(-9))) / 3, abs_tol=1e-6
    )
    loss.backward()
    assert ((logits.grad != 0) == (known >= 0)).all()
    assert quality_loss(logits, torch.full((2, 3), -1)) == 0
    assert quality_loss(logits[:, :0], known[:, :0]) == 0
