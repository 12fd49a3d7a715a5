"""Contrastive losses against hand-computed values, loops and their invariances."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mmtts.losses.contrastive import InfoNCE, SigLIP

SEEDS = st.integers(0, 2**31 - 1)


def unit(seed: int, rows: int, dim: int = 5) -> torch.Tensor:
    x = torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))
    return F.normalize(x, dim=-1)


def mask(seed: int, rows: int, columns: int) -> torch.Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < 0.4


def test_info_nce_hand_value() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    loss = InfoNCE(temperature=1.0)(a, a, torch.eye(2, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)), abs=1e-6)


def test_info_nce_equals_cross_entropy_with_single_positives() -> None:
    a, b = unit(0, 6), unit(1, 6)
    logits = a @ b.T / 0.1
    target = torch.arange(6)
    expected = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    loss = InfoNCE(temperature=0.1)(a, b, torch.eye(6, dtype=torch.bool))
    torch.testing.assert_close(loss, expected)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_info_nce_equals_the_loop(seed: int) -> None:
    a, b, positives = unit(seed, 4), unit(seed + 1, 6), mask(seed + 2, 4, 6)
    known = mask(seed + 3, 4, 6) | positives
    logits = a @ b.T / 0.2

    def one_way(logits: torch.Tensor, positives: torch.Tensor, known: torch.Tensor) -> float:
        rows = []
        for i in range(len(logits)):
            total = sum(math.exp(logits[i, j]) for j in range(logits.shape[1]) if known[i, j])
            terms = [
                math.log(total) - logits[i, j].item()
                for j in range(logits.shape[1])
                if positives[i, j]
            ]
            if terms:
                rows.append(sum(terms) / len(terms))
        return sum(rows) / len(rows) if rows else 0.0

    expected = (one_way(logits, positives, known) + one_way(logits.T, positives.T, known.T)) / 2
    loss = InfoNCE(temperature=0.2)(a, b, positives, known)
    assert loss.item() == pytest.approx(expected, abs=1e-4)


def test_siglip_hand_value() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    loss = SigLIP(temperature=0.5, bias=-1.0)(a, a, torch.eye(2, dtype=torch.bool))
    # the pair itself: logit 2 - 1 = 1; the others: -(0 - 1) = 1. Two of each, divided by 2
    expected = 2 * math.log(1 + math.exp(-1))
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS)
def test_siglip_equals_the_loop(seed: int) -> None:
    a, b, positives = unit(seed, 3), unit(seed + 1, 5), mask(seed + 2, 3, 5)
    known = mask(seed + 3, 3, 5)
    loss = SigLIP(temperature=0.1, bias=-2.0)(a, b, positives, known)
    total = 0.0
    for i in range(3):
        for j in range(5):
            if known[i, j] or positives[i, j]:
                logit = 10 * (a[i] @ b[j]).item() - 2
                total += math.log1p(math.exp(-logit if positives[i, j] else logit))
    assert loss.item() == pytest.approx(total / 3, rel=1e-4, abs=1e-5)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, kind=st.sampled_from([InfoNCE, SigLIP]))
def test_order_and_rotation_do_not_matter(seed: int, kind: type) -> None:
    loss = kind()
    a, b, positives = unit(seed, 6), unit(seed + 1, 6), mask(seed + 2, 6, 6)
    expected = loss(a, b, positives)
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.randperm(6, generator=generator), torch.randperm(6, generator=generator)
    torch.testing.assert_close(loss(a[rows], b[columns], positives[rows][:, columns]), expected)
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=generator).double())[0].float()
    turned = loss(a @ rotation, b @ rotation, positives)
    torch.testing.assert_close(turned, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", [InfoNCE, SigLIP])
def test_training_brings_a_person_to_all_their_clips(kind: type) -> None:
    torch.manual_seed(0)
    loss_fn = kind()
    person = torch.tensor([0, 0, 1, 1, 2, 2])
    clips = unit(3, 6, 16)
    faces = torch.randn(3, 16, requires_grad=True)
    positives = torch.arange(3)[:, None] == person[None]
    optimizer = torch.optim.Adam([faces, *loss_fn.parameters()], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss_fn(F.normalize(faces, dim=-1), clips, positives).backward()
        optimizer.step()
    cosine = F.normalize(faces.detach(), dim=-1) @ clips.T
    assert cosine[positives].min() > cosine[~positives].max()


@pytest.mark.parametrize("kind", [InfoNCE, SigLIP])
def test_unknown_pairs_have_no_gradient(kind: type) -> None:
    a, b = unit(0, 2).requires_grad_(), unit(1, 3).requires_grad_()
    positives = torch.tensor([[True, False, False], [False, True, False]])
    known = torch.tensor([[True, True, False], [True, True, False]])
    kind()(a, b, positives, known).backward()
    assert b.grad is not None and b.grad[2].abs().sum() == 0
    assert a.grad is not None and torch.isfinite(a.grad).all()


def test_no_positive_at_all_is_zero_and_finite() -> None:
    a = unit(0, 3).requires_grad_()
    loss = InfoNCE()(a, unit(1, 3), torch.zeros(3, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0.0 and a.grad is not None and torch.isfinite(a.grad).all()


@pytest.mark.parametrize("kind", [InfoNCE, SigLIP])
def test_errors_name_the_problem(kind: type) -> None:
    with pytest.raises(ValueError, match="temperature"):
        kind(temperature=0.0)
    with pytest.raises(ValueError, match="positives must be"):
        kind()(unit(0, 2), unit(1, 3), torch.ones(2, 2, dtype=torch.bool))
