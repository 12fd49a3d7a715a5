"""Classifier-free guidance: one formula, by hand and in every law that follows it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmtts.networks.guidance import extrapolate, guided
from mmtts.networks.style_law import GaussianMixture, Point, RectifiedFlow


def test_extrapolation_by_hand() -> None:
    free, conditioned = torch.tensor([1.0, -2.0]), torch.tensor([3.0, -1.0])
    assert extrapolate(free, conditioned, 2.0).tolist() == [5.0, 0.0]
    assert extrapolate(free, conditioned, 0.5).tolist() == [2.0, -1.5]


@given(st.floats(0.0, 10.0))
def test_guidance_goes_straight_from_the_free_prediction(weight: float) -> None:
    condition, null = torch.tensor([[2.0]]), torch.tensor([[0.5]])
    found = guided(lambda c: c.square(), condition, null, weight)
    assert found.item() == pytest.approx(0.25 + weight * 3.75, rel=1e-6)


@pytest.mark.parametrize(("weight", "predictions"), [(0.0, [0.5]), (1.0, [2.0])])
def test_weights_0_and_1_predict_once(weight: float, predictions: list[float]) -> None:
    asked = []

    def predict(c: torch.Tensor) -> torch.Tensor:
        asked.append(c.item())
        return c

    assert guided(predict, torch.tensor([[2.0]]), torch.tensor([[0.5]]), weight) == predictions[0]
    assert asked == predictions


@torch.no_grad()
@pytest.mark.parametrize("law", [RectifiedFlow, GaussianMixture, Point])
def test_the_mean_of_every_law_moves_along_one_line(law: type) -> None:
    torch.manual_seed(0)
    built = law(4, 4, 8, 1, 0.0).eval()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    c, null = torch.randn(3, 4), torch.zeros(3, 4)
    free, learned, more = (built.mean(c, null, weight) for weight in (0.0, 1.0, 2.5))
    torch.testing.assert_close(more, free + 2.5 * (learned - free))
