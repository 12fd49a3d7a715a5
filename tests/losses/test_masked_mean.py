"""The mean over what is valid."""

import torch

from mmtts.losses.masked_mean import masked_mean


def test_masked_mean_by_hand() -> None:
    values = torch.tensor([[[1.0, 3.0], [5.0, 7.0], [100.0, 100.0]]])
    assert masked_mean(values, torch.tensor([[True, True, False]])) == 4.0
    assert masked_mean(values, torch.zeros(1, 3, dtype=torch.bool)) == 0.0
