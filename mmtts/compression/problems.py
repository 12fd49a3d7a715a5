"""The components of a layer as problems: what an inner width costs, and how to cut down to it.

Each is posed in second moments of the calibration data alone, and answers for any width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mmtts.compression.calibration import AttentionStatistics, FeedForwardStatistics, Statistics
from mmtts.compression.elimination import eliminate_pairs, eliminate_units
from mmtts.compression.least_squares import output_error, refit
from mmtts.compression.rotary import RotaryScores
from mmtts.compression.solvers import OVSolution, solve_ov, solve_qk, solve_rotary, solve_units
from mmtts.compression.unit_descent import descend
from mmtts.compression.unit_layer import UnitLayer, UnitMatrices, matrices_of, put_matrices

ITERATIONS = 20  # of refitting what makes hidden units
TYPICAL = 0.7  # of the units: where it is tried how much that wins back
EXACT = 1e-12  # share of an output that may be missed without anything to refit


class Fit(NamedTuple):
    """A narrower component."""

    loss: float  # mean squared error of the component's own output on the calibration data
    put: Callable[[Any], None]  # makes a part as narrow: that of the model, or of a copy


class Problem(ABC):
    """One component of one layer.

    Attributes:
        step: channels that stay or go together, 2 in a rotation pair.
        losses: what each direction, pair or unit is worth before anything is refitted, falling
            (G, n).
        total: mean square of the component's output.
    """

    step = 1
    losses: Tensor
    total: float

    def __init__(self) -> None:
        self._fits: dict[int, Fit] = {}

    @property
    def full(self) -> int:
        """Number of directions, pairs or units."""
        return self.losses.shape[1]

    def fit(self, kept: int) -> Fit:
        """Keep so many directions, pairs or units."""
        if kept not in self._fits:
            self._fits[kept] = self._fit(kept)
        return self._fits[kept]

    def loss(self, kept: int) -> float:
        """What `fit` would lose, perhaps estimated more cheaply."""
        return self.fit(kept).loss

    def trial(self, kept: int) -> Fit:
        """A quick one of so many, to see what a loss does to the output of the whole model."""
        return self.fit(kept)

    @abstractmethod
    def _fit(self, kept: int) -> Fit: ...


class ScoreProblem(Problem):
    """Scores without rotary positions: the closed form is the best there is, as it is.

    Given its map of the keys, its map of the queries is the best one, and the other way round.
    """

    def __init__(self, statistics: AttentionStatistics) -> None:
        super().__init__()
        self.solution = solve_qk(grouped_queries(statistics), statistics.key.mean())
        self.losses = self.solution.losses
        self.total = float(self.losses.sum())

    def _fit(self, kept: int) -> Fit:
        maps = self.solution.query_map[..., :kept], self.solution.key_map[..., :kept]
        return Fit(float(self.losses[:, kept:].sum()), lambda part: part.narrow_qk(*maps))


class RotaryProblem(Problem):
    """Scores with rotary positions: whole pairs are kept, and refitted all channels enter them."""

    step = 2

    def __init__(self, statistics: AttentionStatistics, refitted: bool) -> None:
        super().__init__()
        layout, frequencies = statistics.part.rotary, statistics.frequencies
        assert layout is not None and frequencies is not None
        query, key = grouped_queries(statistics), statistics.key.mean()
        query_power, key_power = (x.diagonal(dim1=-2, dim2=-1) for x in (query, key))
        self.losses, pairs, _ = solve_rotary(query_power, key_power, layout)
        self.scores = RotaryScores(query, key, frequencies, statistics.distances, layout)
        self.total = float(self.scores.total.sum())
        self.orders, self.solve = [pairs], self.scores.prune
        if refitted:
            self.orders.append(eliminate_pairs(self.scores))
            self.solve = self.scores.refit

    def _fit(self, kept: int) -> Fit:
        choices = [self.solve(order[:, :kept].sort(dim=1).values) for order in self.orders]
        best = torch.stack([maps.loss for maps in choices]).argmin(dim=0).tolist()  # (G,)
        loss, pairs, query_map, key_map = (
            torch.stack([values[number][group] for group, number in enumerate(best)])
            for values in zip(*choices, strict=True)
        )

        def put(part: Any) -> None:
            part.narrow_qk(query_map, key_map)
            part.keep_pairs(pairs)

        return Fit(float(loss.sum()), put)


class OutputProblem(Problem):
    """A component whose output is linear in what may be dropped: values and output, or units.

    Attributes:
        moment: E[x^T x] of what the output matrix reads, an input of 1 last where it has a bias.
        target: the output matrix, the bias its last row (n, E).
        weights: of the squared error of each output channel (E,).
    """

    def __init__(
        self, moment: Tensor, layer: Any, channel_weights: Tensor | None, refitted: bool
    ) -> None:
        super().__init__()
        self.target = layer.weight.detach().double().T
        self.bias = layer.bias is not None
        if self.bias:
            self.target = torch.cat([self.target, layer.bias.detach().double()[None]])
        self.moment = moment[: len(self.target), : len(self.target)]
        ones = torch.ones_like(self.target[0])
        self.weights = ones if channel_weights is None else channel_weights**2
        power = (self.target * (self.moment @ self.target)).sum(dim=0)
        self.total, self.refitted = float(power @ self.weights), refitted

    def _best(self, choices: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, Tensor, int]:
        """The choice of inputs (n, m) and first output matrix (m, E) that loses least refitted.

        Returns:
            Its loss, its output matrix and its number.
        """
        found: list[tuple[float, Tensor, int]] = []
        for number, (inputs, start) in enumerate(choices):
            fitted = start
            if self.refitted:
                fitted = refit(self.moment, self.target, inputs, start)
            loss = output_error(self.moment, self.target, inputs, fitted) @ self.weights
            found.append((float(loss), fitted, number))
        return min(found, key=lambda item: item[0])

    def _apart(self, fitted: Tensor) -> tuple[Tensor, Tensor | None]:
        """Output matrix (m, E) and bias (E,)."""
        return (fitted[:-1], fitted[-1]) if self.bias else (fitted, None)


class ValueProblem(OutputProblem):
    """Values and output: the best subspace of each head, then one output matrix for all heads."""

    def __init__(self, statistics: AttentionStatistics, refitted: bool) -> None:
        part = statistics.part
        scale = statistics.output_weights.relative()
        super().__init__(statistics.attended.mean()[0], part.output.layer, scale, refitted)
        self.heads, self.shared = part.heads, part.heads // part.groups
        self.solutions = [self._solve(self.moment)]
        if self.bias and refitted:  # then the bias can make up for the means
            mean = self.moment[:, -1:]
            self.solutions.append(self._solve(self.moment - mean @ mean.T / mean[-1]))
        self.losses = self.solutions[0].losses

    def _solve(self, moment: Tensor) -> OVSolution:
        """Subspaces by head, from its block of the moments of all heads."""
        size = len(self.target) - self.bias
        blocks = moment[:size, :size].unflatten(0, (self.heads, -1)).unflatten(2, (self.heads, -1))
        attended = blocks.diagonal(dim1=0, dim2=2).movedim(-1, 0)  # (H, d, d)
        attended = attended.unflatten(0, (-1, self.shared)).mean(dim=1)
        scale = self.weights.sqrt().clamp(min=1e-6, max=1e6)
        output = (self.target[:size] * scale).unflatten(0, (len(attended), self.shared, -1))
        solution = solve_ov(attended, output.transpose(1, 2).flatten(2))
        by_head = solution.output.unflatten(-1, (self.shared, -1)).transpose(1, 2) / scale
        return solution._replace(output=by_head.flatten(0, 1))  # (H, d, E)

    def _fit(self, kept: int) -> Fit:
        loss, fitted, number = self._best(self._cut(solution, kept) for solution in self.solutions)
        value_map = self.solutions[number].value_map[..., :kept]
        output, bias = self._apart(fitted)
        by_head = output.unflatten(0, (self.heads, kept))
        return Fit(loss, lambda part: part.narrow_ov(value_map, by_head, bias))

    def _cut(self, solution: OVSolution, kept: int) -> tuple[Tensor, Tensor]:
        maps = solution.value_map[..., :kept].repeat_interleave(self.shared, dim=0)
        start = solution.output[:, :kept].flatten(0, 1)
        if not self.bias:
            return torch.block_diag(*maps), start
        one = torch.ones(1, 1).to(maps)
        return torch.block_diag(*maps, one), torch.cat([start, self.target[-1:]])


class UnitProblem(OutputProblem):
    """Hidden units: dropped one at a time, and the matrices around the others make up for them."""

    def __init__(self, statistics: FeedForwardStatistics, refitted: bool, iterations: int) -> None:
        down = statistics.part.down.layer
        scale = statistics.output_weights.relative()
        super().__init__(statistics.units.mean()[0], down, scale, refitted)
        size = len(self.target) - self.bias
        readers = self.target * self.weights.sqrt()
        ranking = solve_units(self.moment.diagonal()[:size], readers[:size].T)
        self.losses, self.orders = ranking.losses, [ranking.units]
        self.layer: UnitLayer | None = None
        self.iterations = iterations
        if refitted:
            self.eliminated = eliminate_units(self.moment, readers, size)
            self.orders.append(self.eliminated.units)
            self.layer = self._layer(statistics)

    def loss(self, kept: int) -> float:
        """What is lost when units go one at a time, and as much of it is won back as elsewhere."""
        if not self.refitted:
            return super().loss(kept)
        return float(self.eliminated.losses[0, kept:].sum()) * self.left_over

    @cached_property
    def left_over(self) -> float:
        """Share of a loss that refitting what makes the units leaves, at one width for all."""
        kept = max(1, round(TYPICAL * self.full))
        closed = self.trial(kept).loss
        return self.fit(kept).loss / closed if closed > 0 else 1.0

    def trial(self, kept: int) -> Fit:
        """Refit in closed form what reads the units, and leave what makes them."""
        loss, fitted, units = self._closed_form(kept)
        output, bias = self._apart(fitted)
        return Fit(loss, lambda part: part.keep_units(units, output.T, bias))

    def _layer(self, statistics: FeedForwardStatistics) -> UnitLayer | None:
        """The layer and rows to fit it to; None where that cannot be."""
        join, sample = statistics.join, statistics.sample
        if join is None or sample is None or sample.seen is None or not self.iterations:
            return None
        return UnitLayer(sample.seen, join, matrices_of(statistics.part), self.weights.sqrt())

    def _closed_form(self, kept: int) -> tuple[float, Tensor, Tensor]:
        """Loss, the matrix that reads the units (m, E), and which they are."""
        identity = torch.eye(len(self.target), dtype=torch.float64, device=self.target.device)
        chosen = [units[:kept].sort().values for units in self.orders]
        always = torch.arange(self.losses.shape[1], len(self.target), device=self.target.device)
        rows = [torch.cat([units, always]) for units in chosen]
        loss, fitted, number = self._best((identity[:, some], self.target[some]) for some in rows)
        return loss, fitted, chosen[number]

    def _fit(self, kept: int) -> Fit:
        loss, fitted, units = self._closed_form(kept)
        if self.layer is None or loss <= EXACT * self.total:
            return self.trial(kept)
        ups = self.layer.matrices.ups
        start = UnitMatrices(tuple(up[units] for up in ups), fitted.T.to(ups[0]))
        found = descend(self.layer, start, self.iterations)
        if found is None:
            return self.trial(kept)
        matrices, share = found
        return Fit(loss * share, lambda part: put_matrices(part, matrices))


def grouped_queries(statistics: AttentionStatistics) -> Tensor:
    """Moments of queries, summed over the heads that share their keys (G, d, d)."""
    return statistics.query.mean().unflatten(0, (statistics.part.groups, -1)).sum(dim=1)


def pose(
    statistics: Statistics, component: str, refitted: bool = True, iterations: int = ITERATIONS
) -> Problem:
    """Pose one component of one layer as a problem.

    Args:
        statistics: of the layer.
        component: "qk", "ov" or "mlp".
        refitted: False only drops directions, pairs and units, and refits nothing.
        iterations: of refitting what makes hidden units; 0 refits what reads them alone.
    """
    if not isinstance(statistics, AttentionStatistics):
        return UnitProblem(statistics, refitted, iterations)
    if component == "ov":
        return ValueProblem(statistics, refitted)
    if statistics.part.rotary is not None:
        return RotaryProblem(statistics, refitted)
    return ScoreProblem(statistics)
