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

from mmtts.compression.compressor import measure, narrow, shrink
from mmtts.compression.moments import Moment, square_roots
from mmtts.compression.ranks import uniform_rank
from mmtts.compression.solvers import solve_rotary, solve_units
from mmtts.compression.watching import Scope, watch
from mmtts.networks.widths.parts import AttentionPart, Part, Slot, linear, matrix
from mmtts.networks.widths.resizing import find_parts

RATIOS = (0.1, 0.2, 0.4)
Moments = list[Tensor]  # of the inputs of each matrix; only SVD-LLM looks at them


def matrices(part: Part) -> tuple[Slot, ...]:
    """The layers of a part."""
    if isinstance(part, AttentionPart):
        return part.query, part.key, part.value, part.output
    return (*part.ups, part.down)


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
        for slot in matrices(part):
            weight = matrix(slot)
            identity = torch.eye(weight.shape[1], dtype=torch.float64)
            factor(slot, *low_rank(weight, identity, identity, budget_rank(weight, ratio)))
    return changed


def svd_llm(model: nn.Module, moments: Moments, ratio: float) -> nn.Module:
    """Truncated SVD of each matrix after whitening its inputs (Wang et al. 2024, 2403.07378)."""
    changed = copy.deepcopy(model)
    slots = [slot for part in find_parts(changed).parts for slot in matrices(part)]
    for slot, moment in zip(slots, moments, strict=True):
        root, inverse = square_roots(moment)
        weight = matrix(slot)
        factor(slot, *low_rank(weight, root, inverse, budget_rank(weight, ratio)))
    return changed


def input_moments(model: nn.Module, calibration: Iterable[Mapping[str, Any]]) -> Moments:
    """E[x^T x] of what enters each matrix."""
    measured = copy.deepcopy(model).eval()
    moments: list[Moment] = []
    for part in find_parts(measured).parts:
        scope = Scope()
        watch(measured, part, scope)
        for slot in matrices(part):
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
            solution = solve_units(power, matrix(part.down).double())
            narrow(part, solution, uniform_rank(len(power), ratio))
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
        solution = solve_rotary(query, key, part.rotary)
        narrow(part, solution, uniform_rank(solution.pairs.shape[1], ratio))
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
        for slot in matrices(part):
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
    """A3 with uniform and mixed ranks, and the comparators, after one pass over calibration data.

    Args:
        model: to be compressed.
        calibration: keyword arguments for the model.
    """

    def __init__(self, model: nn.Module, calibration: list[dict[str, Any]]) -> None:
        self.model = model
        self.statistics = measure(model, calibration)
        self.moments = input_moments(model, calibration)

    def a3(self, ratio: float, ranks: str = "uniform") -> Any:
        """The model compressed by A3."""
        return shrink(self.model, self.statistics, ratio, ranks=ranks)[0]

    def __call__(self, ratio: float) -> Iterator[tuple[str, nn.Module]]:
        """Every method's model at one ratio."""
        for ranks in ("uniform", "mixed"):
            yield f"A3, {ranks}", self.a3(ratio, ranks)
        for name, method in COMPARATORS.items():
            yield name, method(self.model, self.moments, ratio)
