"""Comparators of A3 that replace each matrix by two: SVD, ASVD and SVD-LLM.

All of them keep the directions of a truncated SVD of the matrix times a weight of its inputs, and
are told of the same budget as A3: one for all matrices, spent by loss per parameter, or the same
share of each.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts.compression.allocation import Option, allocate
from mmtts.compression.measurements import LEVELS, Measurements
from mmtts.compression.moments import Moment, square_roots
from mmtts.compression.problems import Fit, Problem
from mmtts.compression.sensitivity import Scale
from mmtts.compression.watching import Scope, watch
from mmtts.networks.widths.parts import AttentionPart, Part, Slot, linear, matrix
from mmtts.networks.widths.resizing import find_parts

ASVD_POWER = 0.5  # of the mean magnitude of an input channel, as its authors advise


class Inputs(NamedTuple):
    """What enters a matrix, and what weighs what comes out."""

    moment: Tensor  # E[x^T x], rows weighed by the gate of the layer (n, n)
    magnitude: Tensor  # E|x| (n,)
    gates: Tensor | None  # root mean square gate of each output channel (m,)


class Place(NamedTuple):
    """One matrix of a model: the part that it is in, and its number there."""

    part: Part
    number: int

    @property
    def component(self) -> str:
        """The component of A3 that it belongs to."""
        if not isinstance(self.part, AttentionPart):
            return "mlp"
        return "qk" if self.number < 2 else "ov"


def places(parts: Iterable[Part]) -> list[Place]:
    """All matrices, part by part."""
    return [Place(part, number) for part in parts for number in range(len(part.slots))]


def gather_inputs(model: nn.Module, calibration: Iterable[Mapping[str, Any]]) -> list[Inputs]:
    """What enters each matrix, with the gates that A3 looks at too."""
    measured = copy.deepcopy(model).eval()
    gathered: list[tuple[Moment, list[Tensor], list[Tensor]]] = []
    for part in find_parts(measured).parts:
        scope = Scope()
        watch(measured, part, scope)
        for slot in part.slots:
            moment = Moment(1, linear(slot).in_features)
            sizes: list[Tensor] = []
            gates: list[Tensor] = []
            gathered.append((moment, sizes, gates))
            ends = slot == part.slots[-1]  # what it puts out is gated

            def see(
                module: nn.Module, args: Any, into: Any = gathered[-1], scope: Any = scope,
                ends: bool = ends,
            ) -> None:  # fmt: skip
                moment, sizes, gates = into
                rows, weights = scope.rows(args[0])
                moment.add(rows, weights)
                sizes.append(rows.double().abs().mean(dim=0))
                power = scope.gate_power(args[0]) if ends else None
                gates += [] if power is None else [power]

            slot.layer.register_forward_pre_hook(see)
    with torch.no_grad():
        for kwargs in calibration:
            measured(**kwargs)
    return [
        Inputs(
            moment.mean()[0],
            torch.stack(sizes).mean(dim=0),
            torch.stack(gates).sum(dim=0).sqrt() if gates else None,
        )
        for moment, sizes, gates in gathered
    ]


class MatrixProblem(Problem):
    """The factors of one matrix, of any rank, by the SVD of S W X.

    Each direction adds its own share to the error E|S x W|^2, whatever X is: they are orthogonal
    on the side of the outputs.

    Args:
        method: "SVD" (X = 1), "ASVD" (X = diag(E|x|^1/2)) or "SVD-LLM" (X = E[x^T x]^1/2); the
            last one weighs outputs by their gates too.
        inputs: of the matrix.
        place: where it is.
    """

    def __init__(self, method: str, inputs: Inputs, place: Place) -> None:
        super().__init__()
        weight = matrix(place.part.slots[place.number]).double()
        self.number, self.shape = place.number, weight.shape
        gates = torch.ones(len(weight), dtype=torch.float64)
        if inputs.gates is not None:
            gates = (inputs.gates / inputs.gates.mean()).clamp_min(1e-6)
        if method == "SVD-LLM":
            root, inverse = square_roots(inputs.moment)
            scale = gates
        else:
            power = ASVD_POWER if method == "ASVD" else 0.0
            sizes = inputs.magnitude.clamp_min(1e-9) ** power
            root, inverse, scale = sizes.diag(), (1 / sizes).diag(), torch.ones_like(gates)
        left, values, right = torch.linalg.svd(scale[:, None] * weight @ root, full_matrices=False)
        self.left, self.right = left * values / scale[:, None], right @ inverse
        power_in = ((self.right @ inputs.moment) * self.right).sum(dim=1)
        power_out = (gates[:, None] * self.left).square().sum(dim=0)
        self.losses = (power_in * power_out)[None]
        self.total = float(self.losses.sum())

    def _fit(self, kept: int) -> Fit:
        first, second = self.right[:kept], self.left[:, :kept]
        loss = float(self.losses[0, kept:].sum())
        return Fit(loss, lambda part: factor(part.slots[self.number], first, second))

    def rank(self, share: float) -> int:
        """Rank at which the factors have this share of the parameters of the matrix."""
        rows, columns = self.shape
        return max(1, int(share * rows * columns / (rows + columns)))

    def options(self, scale: Scale) -> list[Option]:
        """The matrix as it is, and every rank that makes it smaller."""
        rows, columns = self.shape
        sizes = [(r, r * (rows + columns)) for r in range(self.rank(1), 0, -1)]
        narrow = [Option(r, n, scale(self.loss(r))) for r, n in sizes if n < rows * columns]
        return [Option(self.full, rows * columns, 0.0), *narrow]


class Factored:
    """One of the methods on a model, with any budget.

    Args:
        method: as for `MatrixProblem`.
        measurements: of A3, whose way of measuring what a loss does to the model's output is used.
        inputs: of each matrix.
    """

    def __init__(self, method: str, measurements: Measurements, inputs: Sequence[Inputs]) -> None:
        self.measurements = measurements
        self.places = places(statistics.part for statistics in measurements.statistics)
        self.problems = [MatrixProblem(method, given, place)
                         for given, place in zip(inputs, self.places, strict=True)]  # fmt: skip
        self._options: dict[int, list[Option]] = {}

    def allocated(self, ratio: float, components: Sequence[str]) -> nn.Module:
        """One budget for all matrices of these components."""
        chosen = [n for n, place in enumerate(self.places) if place.component in components]
        kept = allocate({number: self.options(number) for number in chosen}, ratio)
        return self._put(kept)

    def uniform(self, ratio: float, components: Sequence[str]) -> nn.Module:
        """The same share of every matrix."""
        return self._put({
            number: self.problems[number].rank(1 - ratio)
            for number, place in enumerate(self.places) if place.component in components
        })  # fmt: skip

    def options(self, number: int) -> list[Option]:
        """Ranks of one matrix, with the error of the model's output that each would cause."""
        if number not in self._options:
            problem, part = self.problems[number], self.places[number].part
            levels = sorted({problem.rank(level) for level in LEVELS})
            scale = self.measurements.sensitivity.scale(part, problem, levels)
            self._options[number] = problem.options(scale)
        return self._options[number]

    def _put(self, kept: Mapping[int, int]) -> nn.Module:
        changed = copy.deepcopy(self.measurements.model)
        for number, place in enumerate(places(find_parts(changed).parts)):
            problem = self.problems[number]
            if kept.get(number, problem.full) < problem.full:
                problem.fit(kept[number]).put(place.part)
        return changed


def refit_units(model: nn.Module, measurements: Measurements) -> nn.Module:
    """Let the factors of feed-forwards adapt to the layer's output, on the rows that A3 has.

    There are no coordinates in which this is as quick as for A3, so it gets twice the iterations.
    """
    for number, part in enumerate(find_parts(model).parts):
        if isinstance(part, AttentionPart) or measurements.why_not(number, "mlp"):
            continue
        problem = measurements.problem(number, "mlp", True)
        layer = getattr(problem, "layer", None)
        if layer is None or part.stacked > 1:
            continue
        parameters = [p for slot in part.slots for p in slot.layer.parameters()]
        power = float((layer.target * layer.scale).square().sum())
        optimizer = torch.optim.LBFGS(
            parameters, max_iter=2 * measurements.iterations, max_eval=3 * measurements.iterations,
            history_size=20, line_search_fn="strong_wolfe", tolerance_grad=0, tolerance_change=0,
        )  # fmt: skip

        def closure(
            part: Any = part, layer: Any = layer, optimizer: Any = optimizer, power: float = power
        ) -> Tensor:
            optimizer.zero_grad()
            units = layer.join([slot.layer(layer.seen.inputs) for slot in part.ups])
            missed = (part.down.layer(units) - layer.target) * layer.scale
            error = missed.square().sum() / power
            error.backward()
            return error.detach()

        optimizer.step(closure)
    return model


def factor(slot: Slot, first: Tensor, second: Tensor) -> None:
    """Replace a linear layer by x -> first x -> second (first x) + bias."""
    old = linear(slot)
    layers = []
    for weight, bias in ((first, None), (second, old.bias)):
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
        layer.weight.data = weight.to(old.weight).contiguous()
        if bias is not None:
            layer.bias.data = bias.detach().clone()
        layers.append(layer)
    slot.put(nn.Sequential(*layers).train(old.training))
