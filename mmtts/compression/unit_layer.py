"""A feed-forward layer as a function of its matrices, whatever model it sits in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mmtts.compression.moments import with_one
from mmtts.compression.row_sample import Seen
from mmtts.networks.widths.parts import FeedForwardPart, Slot, linear, replace

CHECKED = 64  # rows on which an activation is recognized
ALIKE = 1e-2  # error of a recognized one, as a share of what it gives; half precision passes

ACTIVATIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    F.gelu,
    lambda x: F.gelu(x, approximate="tanh"),
    lambda x: x * torch.sigmoid(1.702 * x),  # CLIP's
    F.silu,
    F.relu,
    lambda x: F.relu(x).square(),
    F.leaky_relu,
    torch.tanh,
    torch.sigmoid,
    lambda x: x,
)

Join = Callable[[Sequence[Tensor]], Tensor]  # what the matrices give (N, U) each -> units (N, U)


class UnitMatrices(NamedTuple):
    """The matrices of a feed-forward layer, each (out, in), or (out, in + 1) with its bias last.

    Attributes:
        ups: make the units, (U, D). down: reads them, (E, U).
    """

    ups: tuple[Tensor, ...]
    down: Tensor


@dataclass(frozen=True, eq=False)
class UnitLayer:
    """What a feed-forward layer does, and to what.

    Attributes:
        seen: rows that enter it.
        join: what makes units of what the ups give.
        matrices: at its full width.
        channels: weights of the error of each output (E,).
    """

    seen: Seen
    join: Join
    matrices: UnitMatrices
    channels: Tensor

    @cached_property
    def target(self) -> Tensor:
        """What it puts out for its rows (N, E)."""
        return self.output(self.seen.inputs, self.matrices)

    @cached_property
    def scale(self) -> Tensor:
        """Weights of the errors of its output, of rows times channels (N, E)."""
        inputs, weights = self.seen
        return weights.to(inputs).sqrt()[:, None] * self.channels.to(inputs)

    def output(self, inputs: Tensor, matrices: UnitMatrices) -> Tensor:
        """What other matrices make of rows (N, D): (N, E)."""
        units = self.join([product(inputs, up) for up in matrices.ups])
        return product(units, matrices.down)


def product(rows: Tensor, matrix: Tensor) -> Tensor:
    """Rows (N, n) times a matrix (m, n) or, with a bias, (m, n + 1): (N, m)."""
    return extended(rows, matrix) @ matrix.T


def extended(rows: Tensor, matrix: Tensor) -> Tensor:
    """Rows with an input of 1 where the matrix has a bias."""
    return with_one(rows) if matrix.shape[1] > rows.shape[1] else rows


def matrices_of(part: FeedForwardPart) -> UnitMatrices:
    """The matrices of a part whose layers are all linear."""
    ups = [up for slot in part.ups for up in with_bias(slot).chunk(part.stacked)]
    return UnitMatrices(tuple(ups), with_bias(part.down))


def put_matrices(part: FeedForwardPart, matrices: UnitMatrices) -> None:
    """Give a part other matrices, with any number of units."""
    count = len(matrices.ups[0])
    for number, slot in enumerate(part.ups):
        stacked = matrices.ups[number * part.stacked : (number + 1) * part.stacked]
        set_matrix(slot, torch.cat(stacked), linear(slot).in_features)
    set_matrix(part.down, matrices.down, count)


def set_matrix(slot: Slot, matrix: Tensor, inputs: int) -> None:
    """Put a linear layer into a slot: weight (m, n), and its bias last if there is one."""
    bias = matrix[:, inputs] if matrix.shape[1] > inputs else None
    replace(slot, matrix[:, :inputs], bias)


def with_bias(slot: Slot) -> Tensor:
    """Weight (m, n) of a linear layer, or (m, n + 1) with its bias; float32 or wider."""
    layer = slot.layer
    columns = [layer.weight] if layer.bias is None else [layer.weight, layer.bias[:, None]]
    matrix = torch.cat(columns, dim=1).detach()
    return matrix.to(torch.promote_types(matrix.dtype, torch.float32))


def recognize(given: Sequence[Tensor], units: Tensor) -> Join | None:
    """Find out how hidden units come from what the matrices before them give.

    Tried are usual activations, and their products with the other matrix where there are two.

    Args:
        given: what each matrix gives (N, U).
        units: what the layer made of it (N, U).

    Returns:
        The same function; None where it is none of these.
    """
    joins: list[Join] = []
    for activation in ACTIVATIONS:
        if len(given) == 1:
            joins.append(lambda x, f=activation: f(x[0]))  # type: ignore[misc]
        elif len(given) == 2:
            joins.append(lambda x, f=activation: f(x[0]) * x[1])  # type: ignore[misc]
            joins.append(lambda x, f=activation: x[0] * f(x[1]))  # type: ignore[misc]
    if not joins:
        return None
    errors = [float((join(given) - units).square().mean()) for join in joins]
    best = min(range(len(joins)), key=errors.__getitem__)
    power = float(units.square().mean())
    return joins[best] if errors[best] <= ALIKE**2 * power else None
