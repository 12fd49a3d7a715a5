"""Two networks that learn against each other: each steps by an optimizer of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import lightning
import torch
from torch import Tensor, nn


def descend(
    stage: lightning.LightningModule,
    loss: Tensor,
    parameters: Iterable[nn.Parameter],
    place: int,
    gradient_clip: float,
) -> None:
    """Step an optimizer of a stage and its scheduler, if it has one.

    Args:
        stage: optimizes by itself; has one optimizer per network.
        loss: scalar.
        parameters: of the network.
        place: of its optimizer. The steps of the first one alone count as steps of training, and
            are guarded against losses that are not finite; the others skip such a step here.
        gradient_clip: largest norm of the gradient.
    """
    optimizer: Any = as_list(stage.optimizers())[place]
    if place:
        optimizer = optimizer.optimizer  # the bare one, whose steps Lightning does not count
        finite = torch.isfinite(loss)
        if all(group.get("fused") for group in optimizer.param_groups):
            optimizer.found_inf = (~finite).float()  # without waiting for a GPU
        elif not bool(finite):
            return
    optimizer.zero_grad()
    stage.manual_backward(loss)
    torch.nn.utils.clip_grad_norm_(list(parameters), gradient_clip)
    optimizer.step()
    if schedulers := as_list(stage.lr_schedulers()):
        schedulers[place].step()


def as_list(found: Any) -> list[Any]:
    """What Lightning gives for none, one or several of a kind, as a list."""
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]
