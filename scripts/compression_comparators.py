"""What A3 is measured against, at the same parameter budget.

Factorizations are in `compression_factors.py`; here is pruning, and the list of all methods.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from compression_factors import Factored, Inputs, gather_inputs, places, refit_units
from torch import Tensor, nn

from mmtts.compression import COMPONENTS, measure, shrink
from mmtts.compression.ranks import uniform_rank
from mmtts.compression.solvers import pair_selection, solve_rotary, solve_units
from mmtts.networks.widths.parts import AttentionPart, Slot, matrix
from mmtts.networks.widths.resizing import find_parts

RATIOS = (0.1, 0.2, 0.4)


def magnitude_channels(model: nn.Module, ratio: float) -> nn.Module:
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


def smallest_to_zero(model: nn.Module, inputs: Sequence[Inputs] | None, ratio: float) -> nn.Module:
    """Set single weights of each matrix to 0: no smaller and no faster, but a known mark.

    Args:
        model: to be changed; it is copied.
        inputs: Wanda (Sun et al. 2023, 2306.11695) weighs |W_ij| by the root mean square of input
            j, and compares within each row; None compares |W_ij| within each matrix.
        ratio: share of the weights.
    """
    changed = copy.deepcopy(model)
    for number, place in enumerate(places(find_parts(changed).parts)):
        weight = matrix(place.part.slots[place.number])
        scores = weight.abs().flatten()[None]
        if inputs is not None:
            scores = weight.abs() * inputs[number].moment.diagonal().sqrt().to(weight)
        count = int(ratio * scores.shape[1])
        if count:
            gone = scores <= scores.kthvalue(count, dim=1, keepdim=True).values
            weight[gone.view_as(weight)] = 0
    return changed


class Methods:
    """A3 and the comparators, after one pass over calibration data.

    Args:
        model: to be compressed.
        calibration: keyword arguments for the model.
    """

    def __init__(self, model: nn.Module, calibration: list[dict[str, Any]]) -> None:
        self.model = model
        self.measurements = measure(model, calibration, probes=1)
        self.closed = measure(model, calibration, probes=1, iterations=0)
        self.inputs = gather_inputs(model, calibration)
        self.factored = {name: Factored(name, self.measurements, self.inputs)
                         for name in ("SVD-LLM", "ASVD", "SVD")}  # fmt: skip

    def a3(
        self, ratio: float, ranks: str = "allocated", refit: bool = True,
        components: Sequence[str] = COMPONENTS, closed: bool = False,
    ) -> Any:  # fmt: skip
        """The model compressed by A3, perhaps by closed forms alone."""
        measurements = self.closed if closed else self.measurements
        return shrink(self.model, measurements, ratio, components, ranks, refit)[0]

    def allocated(
        self, ratio: float, components: Sequence[str] = COMPONENTS
    ) -> Iterator[tuple[str, nn.Module]]:
        """The methods that share one budget, spent by loss per parameter."""
        yield "A3, refitted, allocated", self.a3(ratio, components=components)
        yield (
            "A3, refitted in closed form, allocated",
            self.a3(ratio, components=components, closed=True),
        )
        yield "A3, allocated", self.a3(ratio, refit=False, components=components)
        for name, method in self.factored.items():
            yield f"{name}, allocated", method.allocated(ratio, components)
            if name == "SVD-LLM" and set(components) == set(COMPONENTS):
                changed = method.allocated(ratio, components)
                yield f"{name}, units refitted, allocated", refit_units(changed, self.measurements)

    def __call__(self, ratio: float) -> Iterator[tuple[str, nn.Module]]:
        """Every method's model at one ratio."""
        yield from self.allocated(ratio)
        yield from self.equal_shares(ratio)

    def equal_shares(self, ratio: float) -> Iterator[tuple[str, nn.Module]]:
        """The methods that take as much from every layer; they are quick."""
        yield "A3, refitted, uniform", self.a3(ratio, "uniform")
        yield "A3, refitted in closed form, uniform", self.a3(ratio, "uniform", closed=True)
        yield "A3, mixed", self.a3(ratio, "mixed", refit=False)
        yield "A3, uniform", self.a3(ratio, "uniform", refit=False)
        for name, method in self.factored.items():
            yield f"{name}, uniform", method.uniform(ratio, COMPONENTS)
        yield "magnitude, channels", magnitude_channels(self.model, ratio)
        yield "Wanda, weights set to 0", smallest_to_zero(self.model, self.inputs, ratio)
        yield "magnitude, weights set to 0", smallest_to_zero(self.model, None, ratio)
