"""What A3 is measured against, at the same parameter budget: SVD, SVD-LLM and magnitude pruning.

Each takes a model, moments of its matrices' inputs and the share of parameters to remove from the
matrices that A3 compresses, and returns a changed copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mmtts.compression import measure, shrink
from mmtts.compression.allocation import Option, allocate
from mmtts.compression.measurements import LEVELS, Measurements
from mmtts.compression.moments import Moment, square_roots
from mmtts.compression.problems import Fit, Problem
from mmtts.compression.ranks import uniform_rank
from mmtts.compression.sensitivity import Scale
from mmtts.compression.solvers import pair_selection, solve_rotary, solve_units
from mmtts.compression.watching import Scope, watch
from mmtts.networks.widths.parts import AttentionPart, Slot, linear, matrix
from mmtts.networks.widths.resizing import find_parts

RATIOS = (0.1, 0.2, 0.4)
Moments = list[Tensor]  # of the inputs of each matrix; only SVD-LLM looks at them


def budget_rank(weight: Tensor, ratio: float) -> int:
    """Rank of a factorization with (1 - ratio) times the parameters of a matrix."""
    rows, columns = weight.shape
    return max(1, round((1 - ratio) * rows * columns / (rows + columns)))


def factor(slot: Slot, first: Tensor, second: Tensor) -> None:
    """Replace a linear layer by x -> first x -> second (first x) + bias."""
    old = linear(slot)
    layers = []
    for weight, bias in ((first, None), (second, old.bias)):
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
        layer.weight.data = weight.to(old.weight)
        if bias is not None:
            layer.bias.data = bias.detach().clone()
        layers.append(layer)
    slot.put(nn.Sequential(*layers).train(old.training))


def low_rank(weight: Tensor, root: Tensor, inverse: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Factors of this rank that are nearest to W for inputs with the moment root^2."""
    left, values, right = torch.linalg.svd(weight.double() @ root, full_matrices=False)
    return right[:rank] @ inverse, left[:, :rank] * values[:rank]


def svd(model: nn.Module, moments: Moments, ratio: float) -> nn.Module:
    """Plain truncated SVD of each matrix; looks at no data."""
    changed = copy.deepcopy(model)
    for part in find_parts(changed).parts:
        for slot in part.slots:
            weight = matrix(slot)
            identity = torch.eye(weight.shape[1], dtype=torch.float64)
            factor(slot, *low_rank(weight, identity, identity, budget_rank(weight, ratio)))
    return changed


def svd_llm(model: nn.Module, moments: Moments, ratio: float) -> nn.Module:
    """Truncated SVD of each matrix after whitening its inputs (Wang et al. 2024, 2403.07378)."""
    changed = copy.deepcopy(model)
    slots = [slot for part in find_parts(changed).parts for slot in part.slots]
    for slot, moment in zip(slots, moments, strict=True):
        root, inverse = square_roots(moment)
        weight = matrix(slot)
        factor(slot, *low_rank(weight, root, inverse, budget_rank(weight, ratio)))
    return changed


class MatrixProblem(Problem):
    """SVD-LLM's factors of one matrix, of any rank.

    Args:
        moment: E[x^T x] of the inputs of the matrix.
        slot: where it is.
        number: of the matrix among those of its part.
    """

    def __init__(self, moment: Tensor, slot: Slot, number: int) -> None:
        super().__init__()
        root, inverse = square_roots(moment)
        self.number, self.shape = number, matrix(slot).shape
        self.left, values, right = torch.linalg.svd(
            matrix(slot).double() @ root, full_matrices=False
        )
        self.right = right @ inverse
        self.losses, self.values = values[None] ** 2, values
        self.total = float(self.losses.sum())

    def _fit(self, kept: int) -> Fit:
        first, second = self.right[:kept], self.left[:, :kept] * self.values[:kept]
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


class AllocatedSVD:
    """SVD-LLM with the same budget as A3 with allocated ranks: one for all, by loss per parameter.

    As there, the loss of each matrix is scaled by the error of the model's output at three levels.

    Args:
        measurements: of A3.
        moments: of the inputs of each matrix.
    """

    def __init__(self, measurements: Measurements, moments: Moments) -> None:
        parts = [statistics.part for statistics in measurements.statistics]
        places = [(part, i) for part in parts for i in range(len(part.slots))]
        self.problems = [MatrixProblem(moment, part.slots[i], i)
                         for (part, i), moment in zip(places, moments, strict=True)]  # fmt: skip
        self.choices = {}
        for number, ((part, _), problem) in enumerate(zip(places, self.problems, strict=True)):
            levels = sorted({problem.rank(level) for level in LEVELS})
            scale = measurements.sensitivity.scale(part, problem, levels)
            self.choices[number] = problem.options(scale)

    def __call__(self, model: nn.Module, ratio: float) -> nn.Module:
        """The compressed model."""
        changed = copy.deepcopy(model)
        owners = [part for part in find_parts(changed).parts for _ in part.slots]
        for number, kept in allocate(self.choices, ratio).items():
            problem = self.problems[number]
            if kept < problem.full:
                problem.fit(kept).put(owners[number])
        return changed


def input_moments(model: nn.Module, calibration: Iterable[Mapping[str, Any]]) -> Moments:
    """E[x^T x] of what enters each matrix."""
    measured = copy.deepcopy(model).eval()
    moments: list[Moment] = []
    for part in find_parts(measured).parts:
        scope = Scope()
        watch(measured, part, scope)
        for slot in part.slots:
            moment = Moment(1, linear(slot).in_features)
            moments.append(moment)

            def see(module: nn.Module, args: Any, moment: Any = moment, scope: Any = scope) -> None:
                rows, _ = scope.rows(args[0])
                moment.add(rows, rows.new_ones(len(rows)))

            slot.layer.register_forward_pre_hook(see)
    with torch.no_grad():
        for kwargs in calibration:
            measured(**kwargs)
    return [moment.mean()[0] for moment in moments]


def magnitude_channels(model: nn.Module, moments: Moments, ratio: float) -> nn.Module:
    """Drop the same number of inner channels as A3, those with the smallest weights."""
    changed = copy.deepcopy(model)
    for part in find_parts(changed).parts:
        if isinstance(part, AttentionPart):
            if "qk" not in part.skipped:
                prune_keys(part, ratio)
            prune_values(part, ratio)
        else:
            power = torch.stack([matrix(slot).double().pow(2).sum(1) for slot in part.ups]).prod(0)
            units = solve_units(power, matrix(part.down).double()).units
            part.keep_units(units[: uniform_rank(len(power), ratio)].sort().values)
    return changed


def row_norms(slot: Slot, heads: int, groups: int) -> Tensor:
    """Squared norms of the rows that make each channel, summed over a group's heads (G, d)."""
    norms = matrix(slot).double().pow(2).sum(dim=1)
    return norms.unflatten(0, (groups, heads // groups, -1)).sum(dim=1)


def prune_keys(part: AttentionPart, ratio: float) -> None:
    """Keep the pairs, or the channels, of queries and keys with the largest weights."""
    query = row_norms(part.query, part.heads, part.groups)
    key = row_norms(part.key, part.groups, part.groups)
    if part.rotary is not None:
        pairs = solve_rotary(query, key, part.rotary).pairs
        pairs = pairs[:, : uniform_rank(pairs.shape[1], ratio)].sort(dim=1).values
        maps = pair_selection(pairs, key.shape[1], part.rotary)
        part.narrow_qk(maps, maps)
        part.keep_pairs(pairs)
        return
    maps = selection(query * key, uniform_rank(key.shape[1], ratio))
    part.narrow_qk(maps, maps)


def prune_values(part: AttentionPart, ratio: float) -> None:
    """Keep the channels of values and output with the largest weights."""
    value = row_norms(part.value, part.groups, part.groups)
    output = matrix(part.output).double()  # (E, H d)
    by_head = output.T.unflatten(0, (part.heads, -1))
    columns = by_head.pow(2).sum(dim=2).unflatten(0, (part.groups, -1)).sum(dim=1)
    maps = selection(value * columns, uniform_rank(value.shape[1], ratio))
    shared = part.heads // part.groups
    chosen = maps.repeat_interleave(shared, dim=0).transpose(1, 2) @ by_head
    part.narrow_ov(maps, chosen)


def selection(scores: Tensor, kept: int) -> Tensor:
    """Maps (G, d, r) that select the channels with the largest scores (G, d)."""
    chosen = scores.topk(kept, dim=1).indices.sort(dim=1).values
    return torch.eye(scores.shape[1], dtype=torch.float64)[chosen].transpose(1, 2)


def magnitude_weights(model: nn.Module, moments: Moments, ratio: float) -> nn.Module:
    """Set the smallest weights of each matrix to 0: no smaller and no faster, but a known mark."""
    changed = copy.deepcopy(model)
    for part in find_parts(changed).parts:
        for slot in part.slots:
            weight = matrix(slot)
            count = int(ratio * weight.numel())
            if count:
                weight[weight.abs() <= weight.abs().flatten().kthvalue(count).values] = 0
    return changed


COMPARATORS = {
    "SVD-LLM": svd_llm,
    "SVD": svd,
    "magnitude, channels": magnitude_channels,
    "magnitude, weights set to 0": magnitude_weights,
}


class Methods:
    """A3 and the comparators, after one pass over calibration data.

    Args:
        model: to be compressed.
        calibration: keyword arguments for the model.
    """

    def __init__(self, model: nn.Module, calibration: list[dict[str, Any]]) -> None:
        self.model = model
        self.measurements = measure(model, calibration)
        self.moments = input_moments(model, calibration)
        self.allocated_svd = AllocatedSVD(self.measurements, self.moments)

    def a3(self, ratio: float, ranks: str = "allocated", refit: bool = True) -> Any:
        """The model compressed by A3."""
        return shrink(self.model, self.measurements, ratio, ranks=ranks, refit=refit)[0]

    def __call__(self, ratio: float) -> Iterator[tuple[str, nn.Module]]:
        """Every method's model at one ratio."""
        yield "A3, refitted, allocated", self.a3(ratio)
        yield "A3, refitted, uniform", self.a3(ratio, "uniform")
        yield "A3, allocated", self.a3(ratio, refit=False)
        yield "A3, mixed", self.a3(ratio, "mixed", refit=False)
        yield "A3, uniform", self.a3(ratio, "uniform", refit=False)
        yield "SVD-LLM, allocated", self.allocated_svd(self.model, ratio)
        for name, method in COMPARATORS.items():
            yield name, method(self.model, self.moments, ratio)
