"""AM-Softmax against its formula."""

import math

import pytest
import torch

from mmtts.losses.margin_softmax import AMSoftmax, margin_softmax


def test_formula_by_hand() -> None:
    z = torch.tensor([[1.0, 0.0]])
    weight = torch.tensor([[0.6, 0.8], [0.0, 2.0]])  # cosines 0.6 and 0
    scale, margin = 5.0, 0.1
    true, other = math.exp(scale * (0.6 - margin)), math.exp(0.0)
    expected = -math.log(true / (true + other))
    loss = margin_softmax(z, weight, torch.tensor([0]), scale, margin)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_without_margin_it_is_cross_entropy_of_cosines() -> None:
    torch.manual_seed(0)
    z, weight, labels = torch.randn(6, 4), torch.randn(3, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    cosines = torch.nn.functional.cosine_similarity(z[:, None], weight[None], dim=-1)
    expected = torch.nn.functional.cross_entropy(10 * cosines, labels)
    torch.testing.assert_close(margin_softmax(z, weight, labels, 10.0, 0.0), expected)


def test_lengths_do_not_matter_and_the_margin_costs() -> None:
    torch.manual_seed(1)
    loss = AMSoftmax(4, 3)
    z, labels = torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    torch.testing.assert_close(loss(z, labels), loss(7 * z, labels))
    assert loss(z, labels) > margin_softmax(z, loss.weight, labels, 30.0, 0.0)
