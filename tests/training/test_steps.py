"""A step whose gradient is not finite changes nothing."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from mmtts import InputError
from mmtts.training.optimizer import fused_adamw
from mmtts.training.steps import GradientGuard


def stage(device: str = "cpu") -> Any:
    return SimpleNamespace(automatic_optimization=True, device=torch.device(device))


def trainer() -> Any:
    return SimpleNamespace(loggers=[], global_step=0)


def step(guard: GradientGuard, optimizer: torch.optim.Optimizer, slope: float) -> None:
    (parameter,) = optimizer.param_groups[0]["params"]
    parameter.grad = torch.full_like(parameter, slope)
    guard.on_before_optimizer_step(trainer(), stage(), optimizer)
    optimizer.step()


@pytest.mark.parametrize("make", [fused_adamw, torch.optim.AdamW, torch.optim.SGD])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_steps_around_a_bad_one_are_as_without_it(make: Any, bad: float) -> None:
    results = []
    for slopes in ((1.0, bad, 2.0), (1.0, 2.0)):
        parameter = nn.Parameter(torch.ones(3))
        guard, optimizer = GradientGuard(), make([parameter], lr=0.1)
        for slope in slopes:
            step(guard, optimizer, slope)
        results.append((parameter.detach(), optimizer.state_dict()["state"]))
    torch.testing.assert_close(*results, rtol=0, atol=0)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_run_of_bad_steps_stops_and_names_their_items(device: str) -> None:
    """On another device than the CPU a step is looked at when the next one has begun."""
    guard, optimizer = GradientGuard(3), fused_adamw([nn.Parameter(torch.ones(3))], lr=0.1)
    late = device != "cpu"

    def go(slope: float, name: str) -> None:
        step(guard, optimizer, slope)
        batch = SimpleNamespace(ids=[name])
        guard.on_train_batch_end(trainer(), stage(device), {}, batch, 0)
        if name == "f":
            guard.on_train_end(trainer(), stage(device))

    for name, slope in (("a", torch.nan), ("b", torch.nan), ("c", 1.0), ("d", torch.nan)):
        go(slope, name)
    assert guard.skipped == 3 - late
    go(torch.nan, "e")
    with pytest.raises(InputError, match=r"3 steps in a row .*d; e; f"):
        go(torch.nan, "f")
