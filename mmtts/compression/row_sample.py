"""A sample of what enters a layer, drawn while calibration data passes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ROWS, VALUES = 16_384, 1 << 23  # at most, of one layer


class Seen(NamedTuple):
    """Rows that entered a layer, in the order in which they came.

    Attributes:
        inputs: float (N, D). weights: of their errors, at least 0 (N,).
    """

    inputs: Tensor
    weights: Tensor


class RowSample:
    """Keeps rows of a stream of unknown length, each with the same chance.

    Args:
        width: D of a row.
    """

    def __init__(self, width: int) -> None:
        self.capacity = min(ROWS, VALUES // width)
        self.generator = torch.Generator().manual_seed(0)
        self.keys = torch.zeros(0)
        self.seen: Seen | None = None

    def add(self, inputs: Tensor, weights: Tensor) -> None:
        """Draw from rows (N, D) and their weights (N,)."""
        keys = torch.rand(len(inputs), generator=self.generator)
        if len(self.keys) == self.capacity:  # most are passed over without a copy
            good = keys < self.keys.max()
            chosen = good.to(inputs.device)
            inputs, weights, keys = inputs[chosen], weights[chosen], keys[good]
        new = Seen(inputs.detach().to(torch.promote_types(inputs.dtype, torch.float32)), weights)
        if self.seen is not None:
            new = Seen(*(torch.cat(pair) for pair in zip(self.seen, new, strict=True)))
            keys = torch.cat([self.keys, keys])
        if len(keys) > self.capacity:
            chosen = keys.argsort()[: self.capacity].sort().values
            keys, new = keys[chosen], Seen(*(rows[chosen.to(rows.device)] for rows in new))
        self.keys, self.seen = keys, new
