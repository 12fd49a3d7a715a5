"""Recovery: a few training steps that make up for what a compression has lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

LARGEST_GRADIENT = 1.0  # norm


class LowRankUpdate(nn.Module):
    """W + B A, where only B and A learn; B starts at 0.

    Source: LoRA (Hu et al. 2021, arXiv 2106.09685).

    Args:
        weight: W (m, n), for its shape.
        rank: r of A (r, n) and B (m, r).
    """

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.randn(rank, columns).to(weight) * columns**-0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank).to(weight))

    def forward(self, weight: Tensor) -> Tensor:
        """The updated matrix (m, n)."""
        return weight + self.up @ self.down


def recover(
    model: nn.Module,
    batches: Iterable[Any],
    loss_of: Callable[[Any, int], Tensor],
    rate: float = 1e-4,
    lora: int = 0,
) -> None:
    """Train a model in place, one step per batch, with AdamW; it is in evaluation mode afterwards.

    Args:
        model: of whose parameters those learn that want gradients.
        batches: read once.
        loss_of: loss of a batch and its number.
        rate: learning rate.
        lora: rank of the updates of linear layers, which alone learn then; 0 trains all weights.
    """
    wanted = {name: p.requires_grad for name, p in model.named_parameters()}
    layers = add_updates(model, lora) if lora else []
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate)
    model.eval()  # dropout would teach a model of few channels to do with fewer
    for number, batch in enumerate(batches):
        loss = loss_of(batch, number)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimizer.step()
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(wanted[name]).grad = None


def add_updates(model: nn.Module, rank: int) -> list[nn.Linear]:
    """Let only low-rank updates of the linear layers learn that learned so far."""
    layers = [
        module for module in model.modules()
        if type(module) is nn.Linear and module.weight.requires_grad
    ]  # fmt: skip
    model.requires_grad_(False)
    for layer in layers:
        parametrize.register_parametrization(layer, "weight", LowRankUpdate(layer.weight, rank))
    return layers
