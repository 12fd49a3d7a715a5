"""What a loss in a component does to the output of the whole model."""

import math

import pytest
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression import measure, shrink
from mmtts.compression.sensitivity import Scale, Sensitivity, output_error, put_back
from mmtts.networks.widths.resizing import find_parts


def test_the_error_per_loss_is_interpolated_on_logarithmic_axes() -> None:
    scale = Scale([(1.0, 2.0), (100.0, 800.0)])
    assert scale(1.0) == pytest.approx(2.0) and scale(100.0) == pytest.approx(800.0)
    assert scale(10.0) == pytest.approx(10 * math.sqrt(2 * 8))
    assert scale(0.01) == pytest.approx(0.02) and scale(1000.0) == pytest.approx(8000.0)
    assert scale(0.0) == 0.0
    assert Scale([(1.0, 0.0)])(5.0) == 0.0


class Logits:
    def __init__(self, logits: Tensor) -> None:
        self.logits = logits


def test_errors_by_hand() -> None:
    first, second = torch.tensor([[[0.25, 0.75]]]).log(), torch.tensor([[[0.5, 0.5]]]).log()
    expected = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    found = output_error(Logits(first + 3), Logits(second - 1), {})
    assert found == pytest.approx(expected, rel=1e-6)
    whole, other = torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[[1.0], [4.0], [0.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert output_error(whole, other, {"attention_mask": mask}) == pytest.approx(1 / 2)
    with pytest.raises(InputError, match="choose ranks=uniform"):
        output_error(whole, other[:, :2], {})


def encoder() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().eval()


def test_what_is_tried_is_put_back() -> None:
    model, x = encoder(), torch.randn(2, 5, 16, dtype=torch.float64)
    parts = find_parts(model).parts
    sensitivity = Sensitivity(model, [{"src": x}])
    for part in parts:
        with put_back(part):
            if "mlp" in part.components:
                part.keep_units(torch.arange(4))
                assert sensitivity.error() > 0
        assert sensitivity.error() == 0


def test_allocated_ranks_lose_less_than_uniform_ones_where_layers_differ() -> None:
    model = encoder()
    for layer, gain in zip(model.layers, (0.05, 3.0), strict=True):
        layer.linear2.weight.data *= gain
    data = [{"src": torch.randn(8, 12, 16, dtype=torch.float64)} for _ in range(6)]
    measured = measure(model, data)
    x = torch.randn(16, 12, 16, dtype=torch.float64)
    errors, sizes = [], []
    for ranks in ("allocated", "uniform"):
        small, report = shrink(model, measured, 0.3, ("mlp",), ranks)
        errors.append(float((small(x) - model(x)).square().mean().detach()))
        sizes.append(report.parameters)
    assert errors[0] < errors[1] and sizes[0] <= 1.02 * sizes[1]
