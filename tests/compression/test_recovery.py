"""Recovery after compression: what learns, what comes back, what is left behind."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmtts.compression import compress
from mmtts.compression.recovery import recover


def encoder() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def batches(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(8, 12, 16, generator=generator) for _ in range(count)]


@pytest.mark.parametrize("lora", [0, 4])
def test_training_steps_bring_a_compressed_model_nearer(lora: int) -> None:
    model, (unseen, *seen) = encoder(), batches(41)
    small, _ = compress(model, [{"src": x} for x in seen[:4]], ratio=0.4, iterations=0)

    def loss_of(x: Any, number: int) -> Tensor:
        return (small(x) - model(x).detach()).square().mean()

    before = float(loss_of(unseen, 0).detach())
    shapes = {name: value.shape for name, value in small.state_dict().items()}
    small.layers[0].linear1.requires_grad_(False)
    fixed = small.layers[0].linear1.weight.clone()
    bias = small.layers[1].linear1.bias.clone()
    recover(small, seen, loss_of, rate=3e-3, lora=lora)
    assert float(loss_of(unseen, 0).detach()) < 0.9 * before
    assert {name: value.shape for name, value in small.state_dict().items()} == shapes
    assert torch.equal(small.layers[0].linear1.weight, fixed)
    assert torch.equal(small.layers[1].linear1.bias, bias) == (lora > 0)
    assert type(small.layers[1].linear1) is nn.Linear
    wants = {name: p.requires_grad for name, p in small.named_parameters()}
    assert [name for name, wanted in wants.items() if not wanted] == [
        "layers.0.linear1.weight", "layers.0.linear1.bias",
    ]  # fmt: skip
    assert all(p.grad is None for p in small.parameters()) and not small.training


def test_low_rank_updates_have_that_rank() -> None:
    model, seen = encoder(), batches(3)
    tuned = copy.deepcopy(model)
    recover(tuned, seen, lambda x, n: tuned(x).square().mean(), rate=1e-2, lora=2)
    change = tuned.layers[0].linear1.weight - model.layers[0].linear1.weight
    assert int(torch.linalg.matrix_rank(change.detach(), rtol=1e-4)) == 2
