"""Relational distillation against hand-computed values, a loop and its invariances."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.losses.relational_distillation import RelationalDistillation, blend, similarity

SEEDS = st.integers(0, 2**31 - 1)


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rotation(seed: int, size: int) -> torch.Tensor:
    return torch.linalg.qr(draw(seed, size, size).double())[0].float()


def test_hand_value_squared() -> None:
    student = torch.tensor([[1.0, 0.0], [0.0, 2.0]])  # cosine 0
    speech = torch.tensor([[1.0, 0.0, 0.0], [3.0, 0.0, 0.0]])  # cosine 1
    face = torch.tensor([[1.0], [-1.0]])  # cosine -1
    # target = 0.75 * 1 + 0.25 * -1 = 0.5, so both off-diagonal entries differ by 0.5
    loss = RelationalDistillation(mu=0.75)(student, speech, face)
    assert loss.item() == pytest.approx(0.25, abs=1e-6)


def test_hand_value_kl() -> None:
    half = math.sqrt(0.5)
    student = torch.tensor([[1.0, 0.0], [0.0, 1.0], [half, half]])
    face = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    loss = RelationalDistillation(mu=0.0, divergence="kl", temperature=0.5)(student, None, face)

    def kl(p_logits: list[float], q_logits: list[float]) -> float:
        p = [math.exp(x / 0.5) for x in p_logits]
        q = [math.exp(x / 0.5) for x in q_logits]
        return sum(
            a / sum(p) * math.log((a / sum(p)) / (b / sum(q))) for a, b in zip(p, q, strict=True)
        )

    expected = (kl([1, 0], [0, half]) + kl([1, 0], [0, half]) + kl([0, 0], [half, half])) / 3
    assert loss.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("divergence", ["squared", "kl"])
def test_a_perfect_student_has_no_loss(divergence: str) -> None:
    z = draw(0, 6, 8)
    loss = RelationalDistillation(mu=0.3, divergence=divergence)(z, z @ rotation(1, 8), z * 3.0)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, mu=st.floats(0, 1))
def test_squared_equals_the_double_loop(seed: int, mu: float) -> None:
    z, speech, face = draw(seed, 5, 4), draw(seed + 1, 5, 7), draw(seed + 2, 5, 3)
    total = 0.0
    for i in range(5):
        for j in range(5):
            if i != j:
                target = mu * torch.cosine_similarity(speech[i], speech[j], dim=0)
                target = target + (1 - mu) * torch.cosine_similarity(face[i], face[j], dim=0)
                cosine = torch.cosine_similarity(z[i], z[j], dim=0)
                total += (cosine - target).square().item() / 20
    assert RelationalDistillation(mu=mu)(z, speech, face).item() == pytest.approx(total, abs=1e-5)


@settings(deadline=None, max_examples=25)
@given(seed=SEEDS, divergence=st.sampled_from(["squared", "kl"]))
def test_order_rotation_and_scale_do_not_matter(seed: int, divergence: str) -> None:
    loss = RelationalDistillation(mu=0.6, divergence=divergence, temperature=0.2)
    z, speech, face = draw(seed, 6, 5), draw(seed + 1, 6, 9), draw(seed + 2, 6, 4)
    expected = loss(z, speech, face)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(loss(z[order], speech[order], face[order]), expected)
    rotated = loss(2.0 * z @ rotation(seed, 5), speech @ rotation(seed, 9), 0.5 * face)
    torch.testing.assert_close(rotated, expected, atol=1e-5, rtol=1e-4)


def test_gradient_reaches_the_student_alone() -> None:
    z, speech, face = (draw(k, 4, 6).requires_grad_() for k in range(3))
    RelationalDistillation(mu=0.5)(z, speech, face).backward()
    assert z.grad is not None and z.grad.abs().sum() > 0
    assert speech.grad is None and face.grad is None


def test_a_lone_person_has_no_relations() -> None:
    assert RelationalDistillation()(draw(0, 1, 4), draw(1, 1, 4), draw(2, 1, 4)).item() == 0.0


def test_a_collapsed_student_learns_the_relations() -> None:
    face = draw(0, 8, 4)
    z = (torch.ones(8, 6) + 0.01 * draw(1, 8, 6)).requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.05)
    loss_fn = RelationalDistillation(mu=0.0)
    for _ in range(300):
        optimizer.zero_grad()
        loss = loss_fn(z, None, face)
        loss.backward()
        optimizer.step()
    assert loss.item() < 1e-3
    torch.testing.assert_close(similarity(z), similarity(face), atol=0.1, rtol=0)


def test_errors_name_the_problem() -> None:
    with pytest.raises(ValueError, match="mu must lie"):
        RelationalDistillation(mu=1.5)
    with pytest.raises(ValueError, match="divergence"):
        RelationalDistillation(divergence="cosine")
    with pytest.raises(ValueError, match="temperature"):
        RelationalDistillation(temperature=0.0)
    with pytest.raises(ValueError, match="speech teacher"):
        blend(None, torch.ones(2, 2), mu=0.5)
