"""One pass over calibration data through the uncompressed model; only moments are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression.distances import Distances
from mmtts.compression.moments import Moment, with_one
from mmtts.compression.row_sample import RowSample
from mmtts.compression.unit_layer import CHECKED, Join, matrices_of, product, recognize
from mmtts.compression.watching import Scope, watch
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, linear


class OutputWeights:
    """Running mean square of the gate of each output channel."""

    def __init__(self) -> None:
        self.sum: Tensor | None = None

    def add(self, scope: Scope, x: Tensor) -> None:
        """Add the gates that multiply what comes out for x (B, L, D)."""
        power = scope.gate_power(x)
        if power is not None:
            self.sum = power if self.sum is None else self.sum + power

    def relative(self) -> Tensor | None:
        """Root mean square gate of each channel relative to their mean (E,); None without gates.

        E|gate * error|^2 is taken apart into a weight per row (inside the moments) and this weight
        per channel, which is exact when gates are the product of the two.
        """
        if self.sum is None:
            return None
        return (self.sum / self.sum.mean().clamp_min(torch.finfo(self.sum.dtype).tiny)).sqrt()


class AttentionStatistics:
    """Moments of queries, keys and attended values of one attention layer.

    Attributes:
        query: by head. key: by group. attended: of all heads together and an input of 1.
        distances: between queries and keys. frequencies: of rotary positions (G, d / 2).
    """

    def __init__(self, part: AttentionPart) -> None:
        self.part = part
        self.scope = Scope()
        self.query = Moment(part.heads, part.width("qk"))
        self.key = Moment(part.groups, part.width("qk"))
        self.attended = Moment(1, part.heads * part.width("ov") + 1)
        self.distances = Distances(part.causal)
        self.frequencies: Tensor | None = None
        self.output_weights = OutputWeights()

    def hooks(self, model: nn.Module) -> list[Any]:
        """Register the hooks that gather while a model runs that holds the part."""
        owner = self.part.query.owner
        return [
            *watch(model, self.part, self.scope),
            owner.register_forward_pre_hook(self._see_arguments, with_kwargs=True),
            self.part.query.layer.register_forward_hook(self._see_queries),
            self.part.key.layer.register_forward_hook(self._see_keys),
            self.part.output.layer.register_forward_pre_hook(self._see_attended),
        ]

    def _see_arguments(self, layer: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        if self.part.frequencies is not None and self.frequencies is None:
            self.frequencies = self.part.frequencies(args, kwargs).detach().double()

    def _see_queries(self, layer: nn.Module, inputs: Any, output: Tensor) -> None:
        rows, weights = self.scope.rows(output)
        self.query.add(rows, weights.sqrt())  # the other root comes with the key
        if self.part.rotary is not None:
            self.distances.add(*self.scope.sequences(output))

    def _see_keys(self, layer: nn.Module, inputs: Any, output: Tensor) -> None:
        rows, weights = self.scope.rows(output, keys=True)
        self.key.add(rows, weights.sqrt())

    def _see_attended(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows, weights = self.scope.rows(inputs[0])
        self.attended.add(with_one(rows), weights)
        self.output_weights.add(self.scope, inputs[0])

    @property
    def rows(self) -> int:
        """Positions seen."""
        return self.attended.rows

    def finite(self) -> bool:
        """Whether all moments are finite."""
        moments = (self.query, self.key, self.attended)
        return all(bool(moment.sum.isfinite().all()) for moment in moments)


class FeedForwardStatistics:
    """Moments of the hidden units of one feed-forward layer and of an input of 1.

    Attributes:
        sample: rows that enter the layer; None where it is a convolution.
        join: what makes units of what the ups give; None while, or where, nobody knows.
    """

    def __init__(self, part: FeedForwardPart) -> None:
        self.part = part
        self.scope = Scope()
        self.units = Moment(1, part.width("mlp") + 1)
        self.output_weights = OutputWeights()
        self.sample: RowSample | None = None
        self.join: Join | None = None
        self.last = torch.zeros(0)  # rows of the batch that is passing
        if all(isinstance(slot.layer, nn.Linear) for slot in part.ups):
            self.sample = RowSample(linear(part.ups[0]).in_features)

    def hooks(self, model: nn.Module) -> list[Any]:
        """Register the hooks that gather while a model runs that holds the part."""
        handles = [
            *watch(model, self.part, self.scope),
            self.part.down.layer.register_forward_pre_hook(self._see_units),
        ]
        if self.sample is not None:
            first = self.part.ups[0].layer
            handles.append(first.register_forward_pre_hook(self._see_inputs))
        return handles

    def _see_inputs(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows, weights = self.scope.rows(inputs[0])
        self.last = rows[:CHECKED].detach()
        self.sample.add(rows, weights)  # type: ignore[union-attr]

    def _see_units(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows, weights = self.scope.rows(inputs[0])
        if self.sample is not None and self.units.rows == 0:
            ups = matrices_of(self.part).ups
            given = [product(self.last.to(up), up) for up in ups]
            self.join = recognize(given, rows[:CHECKED].to(given[0]))
        self.units.add(with_one(rows), weights)
        self.output_weights.add(self.scope, inputs[0])

    @property
    def rows(self) -> int:
        """Positions seen."""
        return self.units.rows

    def finite(self) -> bool:
        """Whether all moments are finite."""
        return bool(self.units.sum.isfinite().all())


Statistics = AttentionStatistics | FeedForwardStatistics


def calibrate(
    model: nn.Module, parts: Sequence[Part], calibration: Iterable[Mapping[str, Any]]
) -> list[Statistics]:
    """Run the model over calibration data and gather the statistics of its parts.

    Padding is left out wherever the layers are told of it. The model stays in the mode it is in.

    Args:
        model: called as ``model(**kwargs)``.
        parts: of that model.
        calibration: keyword arguments, batch by batch.

    Returns:
        Statistics in the order of the parts.

    Raises:
        InputError: There is no calibration data, or it makes the model overflow.
    """
    gathered = [statistics_of(part) for part in parts]
    batches = 0
    with ExitStack() as stack, torch.no_grad():
        for statistics in gathered:
            for handle in statistics.hooks(model):
                stack.callback(handle.remove)
        for kwargs in calibration:
            model(**kwargs)
            batches += 1
    if batches == 0:
        raise InputError("the calibration data is empty; give at least one batch")
    for statistics in gathered:
        if not statistics.finite():
            layer = statistics.part.layer
            raise InputError(f"calibration made {layer} put out NaN or infinite values")
    return gathered


def statistics_of(part: Part) -> Statistics:
    """Empty statistics of the right kind."""
    if isinstance(part, AttentionPart):
        return AttentionStatistics(part)
    return FeedForwardStatistics(part)
