"""Reading gender and age off faces, and where rays leave the sphere."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.networks.face_encoder import StyleHead
from mmtts.networks.face_reading import READINGS, FaceReading
from mmtts.networks.sphere import leave_sphere


def labeled(n: int = 600) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Feature 0 shows the gender, feature 1 the age in tens of years above 40."""
    x = torch.randn(n, 8, generator=torch.Generator().manual_seed(0))
    return x, x[:, 0].sign(), 40.0 + 10.0 * x[:, 1]


def test_gender_age_and_both_are_read() -> None:
    x, gender, age = labeled()
    reading = FaceReading(8)
    reading.fit(x, gender, age)
    read = reading(x)
    assert read.shape == (600, READINGS)
    assert (read[:, 0].sign() == gender).float().mean() > 0.95
    assert torch.corrcoef(torch.stack([read[:, 1], age]))[0, 1] > 0.99
    torch.testing.assert_close(read[:, 2], read[:, 0] * read[:, 1])


def test_unknown_labels_teach_nothing() -> None:
    x, gender, age = labeled()
    nobody = torch.full_like(gender, math.nan)
    reading = FaceReading(8)
    reading.fit(x, nobody, nobody)
    assert torch.equal(reading(x), torch.zeros(600, READINGS))
    reading.fit(x, torch.ones_like(gender), age)  # one gender alone
    assert reading(x)[:, 0].abs().max() == 0 and reading(x)[:, 1].abs().max() > 0
    some = torch.where(torch.arange(600) < 300, gender, nobody)
    half, known = FaceReading(8), FaceReading(8)
    half.fit(x, some, nobody)
    known.fit(x[:300], gender[:300], nobody[:300])
    torch.testing.assert_close(half(x), known(x))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 0.9), st.integers(0, 1000))
def test_rays_leave_the_sphere_straight(length: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    origin = length * torch.nn.functional.normalize(torch.randn(6, generator=generator), dim=0)
    direction = torch.randn(4, 6, generator=generator)
    z = leave_sphere(origin, direction)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(4))
    assert torch.cosine_similarity(z - origin, direction).min() > 1 - 1e-4


def test_from_the_center_a_direction_is_only_scaled() -> None:
    direction = torch.tensor([[3.0, 4.0]])
    torch.testing.assert_close(leave_sphere(torch.zeros(2), direction), torch.tensor([[0.6, 0.8]]))


def test_a_new_head_is_linear_until_its_hidden_layer_has_learned() -> None:
    torch.manual_seed(0)
    head = StyleHead(8, 16, 4, 0.0).eval()
    x = torch.randn(5, 8)
    expected = torch.nn.functional.normalize(head.linear(head.evidence(x)), dim=-1)
    torch.testing.assert_close(head(x), expected)
    torch.testing.assert_close(head(7.0 * x + 0.5), head(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("width", [0, 16])
def test_a_head_of_any_width_gives_unit_vectors(width: int) -> None:
    head = StyleHead(8, width, 4, 0.3).train()
    torch.testing.assert_close(head(torch.randn(5, 8)).norm(dim=-1), torch.ones(5))
