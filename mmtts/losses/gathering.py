"""What the processes of a run know together, so that a loss is that of the global batch.

Each process has a share of the global batch. A loss that is made of these functions is the loss of
the whole batch: the same number in every process, and the average over the processes of its
gradients, which DDP takes, is the gradient that one process with the whole batch would have. For
that, what a process hands in gets its gradient times the number of processes. Nothing is sent in
the backward pass: every process has the whole loss, so it knows its own share's gradient.

In a single process nothing is sent, and all of them give back what they are given. All processes
must call them equally often and in the same order.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

Item = TypeVar("Item")
TINY = 1e-24  # of a squared norm: where it is 0, its root has no gradient


def processes() -> int:
    """How many processes train together; 1 outside of a distributed run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(rows: Tensor) -> Tensor:
    """The rows of all processes, in their order, with gradient to the own ones.

    Args:
        rows: (n, ...), n the same in every process.

    Returns:
        (processes * n, ...).
    """
    return rows if processes() == 1 else _Gathered.apply(rows)


def own(rows: Tensor) -> Tensor:
    """Of the rows (processes * n, ...) of all processes the n of this one."""
    if processes() == 1:
        return rows
    return rows.chunk(processes())[dist.get_rank()]


def global_sum(value: Tensor) -> Tensor:
    """The sum over the processes of values of any shape, the same in each."""
    return value if processes() == 1 else _Summed.apply(value)


def global_mean(mean: Tensor, count: Tensor | int) -> Tensor:
    """The mean over the values of all processes.

    Args:
        mean: over the own values, of any shape; 0 and not NaN where there are none.
        count: how many these are: a number, or of the mean's shape.

    Returns:
        Means weighted by the counts, of the mean's shape; 0 where no process has a value.
    """
    if processes() == 1:
        return mean
    precise = torch.promote_types(mean.dtype, torch.float32)
    counts = torch.as_tensor(count, device=mean.device).to(precise).expand_as(mean)
    total, number = global_sum(torch.stack([mean * counts, counts])).unbind()
    return (total / number.clamp(min=1)).to(mean.dtype)


def global_norm(norm: Tensor) -> Tensor:
    """The Euclidean norms of what all processes have, from those of the own shares (any shape)."""
    if processes() == 1:
        return norm
    return global_sum(norm.square()).clamp_min(TINY).sqrt()


def global_max(value: Tensor) -> Tensor:
    """The largest values that a process has, of any shape, without gradient."""
    if processes() == 1:
        return value
    largest = value.detach().clone()
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    return largest


def anywhere(condition: Tensor) -> bool:
    """Whether any value bool (...) of any process is true; waits for the device."""
    return bool(global_max(condition.any().to(torch.uint8)))


def gather_objects(item: Item) -> list[Item]:
    """What each process has, of any kind and size; slow, and waits for the device."""
    if processes() == 1:
        return [item]
    everyone: list[Any] = [None] * processes()
    dist.all_gather_object(everyone, item)
    return everyone


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        # Not every backend knows truth values.
        sent = rows.contiguous().view(torch.uint8) if rows.dtype == torch.bool else rows
        everyone = sent.new_empty(processes() * len(sent), *sent.shape[1:])
        dist.all_gather_into_tensor(everyone, sent.contiguous())
        return everyone.view(rows.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return own(gradients[0]) * processes()


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0] * processes()
