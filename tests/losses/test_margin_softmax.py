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


def test_who_has_no_class_does_not_count() -> None:
    torch.manual_seed(2)
    loss, z = AMSoftmax(4, 3), torch.randn(4, 4, requires_grad=True)
    some = loss(z, torch.tensor([0, -1, 2, -1]))
    torch.testing.assert_close(some, loss(z[[0, 2]], torch.tensor([0, 2])))
    nobody = loss(z, torch.full((4,), -1))
    nobody.backward()
    assert nobody == 0 and not z.grad.any()


def test_a_sample_of_all_classes_is_the_whole_loss() -> None:
    torch.manual_seed(3)
    whole, sampled = AMSoftmax(4, 7), AMSoftmax(4, 7, sampled=7)
    sampled.load_state_dict(whole.state_dict())
    z, labels = torch.randn(5, 4), torch.tensor([0, 6, 3, 3, -1])
    both = [loss(z, labels, 11) for loss in (whole, sampled)]
    torch.testing.assert_close(*both)
    slopes = [
        torch.autograd.grad(value, loss.weight)[0]
        for value, loss in zip(both, (whole, sampled), strict=True)
    ]
    torch.testing.assert_close(*slopes)


def test_a_sample_is_of_others_in_every_step_and_spares_those_left_out() -> None:
    torch.manual_seed(4)
    loss, labels = AMSoftmax(8, 200, sampled=40), torch.arange(10)
    z = torch.randn(10, 8)
    seen = []
    for step in range(3):
        (slope,) = torch.autograd.grad(loss(z, labels, step), loss.weight)
        touched = slope.abs().sum(1) > 0
        assert touched[labels].all() and touched.sum() == 40
        seen.append(tuple(touched.tolist()))
    assert len(set(seen)) == 3
    assert loss(z, labels, 0) == loss(z, labels, 0)


def test_samples_push_away_from_everyone_in_the_end() -> None:
    """The larger the sample, the nearer its loss; its gradient points where the whole one does."""
    torch.manual_seed(5)
    z, labels = torch.randn(16, 8, requires_grad=True), torch.arange(16)
    whole = AMSoftmax(8, 400, scale=5.0)
    expected = whole(z, labels)
    (slope,) = torch.autograd.grad(expected, z)
    gaps, agreement = [], []
    for size in (40, 100, 300):
        sampled = AMSoftmax(8, 400, scale=5.0, sampled=size)
        sampled.load_state_dict(whole.state_dict())
        values = [sampled(z, labels, step) for step in range(30)]
        slopes = torch.stack([torch.autograd.grad(value, z)[0] for value in values]).mean(0)
        gaps.append(float((expected - torch.stack(values).mean()).detach()))
        agreement.append(float(torch.cosine_similarity(slopes.ravel(), slope.ravel(), dim=0)))
    assert gaps[0] > gaps[1] > gaps[2] > 0  # fewer others are easier to be told from
    assert agreement[0] > 0.8 and agreement[2] > 0.99


def test_a_trained_loss_compares_with_everyone() -> None:
    torch.manual_seed(6)
    loss = AMSoftmax(4, 9, sampled=3)
    z, labels = torch.randn(2, 4), torch.tensor([0, 1])
    whole = margin_softmax(z, loss.weight, labels)
    assert loss(z, labels) < whole
    torch.testing.assert_close(loss.eval()(z, labels), whole)
