"""The attribute loss counts what a prompt leaves open."""

import torch

from mmtts.losses.attribute_classification import attribute_loss


def test_attribute_loss_counts_silence_as_a_class() -> None:
    right = [torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 9.0]])]
    assert attribute_loss(right, torch.tensor([[0, -1]])) < 0.01
    assert attribute_loss(right, torch.tensor([[1, -1]])) > 4.0
