"""Refitting both sides of the hidden units that are kept: least squares on the layer's own output.

What reads the units is found in closed form (`least_squares.py`). What makes them stands before the
activation, so there is no closed form for it; L-BFGS goes down from where the closed form ends.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mmtts.compression.moments import Moment, square_roots
from mmtts.compression.unit_layer import UnitLayer, UnitMatrices, extended, product

HELD_OUT = 8  # one row in so many only says when to stop: those seen last
TURN = 5  # iterations between two looks at them
SEARCH: dict[str, Any] = {
    "history_size": 20, "line_search_fn": "strong_wolfe", "tolerance_grad": 0, "tolerance_change": 0
}  # fmt: skip
DAMPING = 1e-6  # of the moments that make all directions alike


def descend(
    layer: UnitLayer, start: UnitMatrices, iterations: int
) -> tuple[UnitMatrices, float] | None:
    """Minimize E|F(x) - F'(x)|^2 over all matrices of a narrower layer F'.

    The unknowns are steps away from the start, in coordinates in which the inputs of each matrix
    are white and its outputs weigh alike in the error: half as many iterations do. Of all turns of
    `TURN` iterations the last one stays that helps rows which were held out too.

    Args:
        layer: F.
        start: the narrower layer, F' at first.
        iterations: of L-BFGS.

    Returns:
        The matrices, and their error as a share of that of the start; None where nothing is won.
    """
    inputs = layer.seen.inputs
    cut = len(inputs) - len(inputs) // HELD_OUT
    parts = slice(cut), slice(cut, None)

    def error(found: UnitMatrices, part: slice) -> Tensor:
        missed = layer.output(inputs[part], found) - layer.target[part]
        return (missed * layer.scale[part]).square().sum()

    first = [float(error(start, part)) for part in parts]
    if not min(first) > 0:
        return None
    steps = Steps(layer, start, parts[0])
    optimizer = torch.optim.LBFGS(steps.values, max_iter=TURN, **SEARCH)

    @torch.enable_grad()
    def closure() -> Tensor:
        optimizer.zero_grad()
        value = error(steps.taken(), parts[0]) / first[0]
        value.backward()
        return value.detach()

    best, errors = None, first
    for _ in range(iterations // TURN):
        optimizer.step(closure)
        with torch.no_grad():
            found = steps.taken()
            now = [float(error(found, part)) for part in parts]
        if not (now[0] < errors[0] and now[1] < errors[1]):
            break
        best, errors = found, now
    return None if best is None else (best, sum(errors) / sum(first))


class Steps:
    """Steps away from the matrices of a layer, in coordinates in which all directions weigh alike.

    Args:
        layer: what the error is measured against.
        start: the narrower layer that they start from.
        part: of the rows, to take the coordinates from.
    """

    def __init__(self, layer: UnitLayer, start: UnitMatrices, part: slice) -> None:
        self.origins = (*start.ups, start.down)
        self.sides = coordinates(layer, start, part)
        inputs = layer.seen.inputs
        self.values = [inputs.new_zeros(m.shape, requires_grad=True) for m in self.origins]

    def taken(self) -> UnitMatrices:
        """The matrices after these steps."""
        pairs = zip(self.origins, self.values, self.sides, strict=True)
        *ups, down = (origin + left * step @ right for origin, step, (left, right) in pairs)
        return UnitMatrices(tuple(ups), down)


def coordinates(layer: UnitLayer, start: UnitMatrices, part: slice) -> list[tuple[Tensor, Tensor]]:
    """Factors of the steps of each matrix, from the left (m, 1) and from the right (n, n).

    From the right stands the inverse root of the moments of what enters; from the left, of an up,
    the inverse root of what its output is worth in the error.
    """
    inputs, weights = (rows[part] for rows in layer.seen)
    given = [product(inputs, up).requires_grad_() for up in start.ups]
    with torch.enable_grad():
        units = layer.join(given)
        slopes = torch.autograd.grad(units.sum(), given)  # no unit depends on another's input
    units = units.detach()
    channels = layer.channels.to(inputs)[:, None]
    worth = (start.down[:, : units.shape[1]] * channels).square().sum(dim=0)
    entering = {up.shape[1]: extended(inputs, up) for up in start.ups}  # the same for both, mostly
    roots = {width: inverse_root(rows, weights) for width, rows in entering.items()}
    sides = []
    for up, slope in zip(start.ups, slopes, strict=True):
        power = (slope.square() * weights.to(slope)[:, None]).mean(dim=0) * worth
        left = power.clamp_min(DAMPING * float(power.mean())).rsqrt()[:, None]
        sides.append((left, roots[up.shape[1]]))
    left = torch.ones_like(channels)
    return [*sides, (left, inverse_root(extended(units, start.down), weights))]


def inverse_root(rows: Tensor, weights: Tensor) -> Tensor:
    """Inverse root of the moments of rows (N, n) of these weights (N,): (n, n)."""
    moment = Moment(1, rows.shape[1])
    moment.add(rows, weights)
    return square_roots(moment.mean()[0], DAMPING)[1].to(rows)
