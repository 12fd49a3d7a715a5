"""What one pass over calibration data leaves: moments, and a few batches to test widths on."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from torch import nn

from mmtts import InputError
from mmtts.compression.calibration import calibrate
from mmtts.compression.problems import ITERATIONS, Problem, pose
from mmtts.compression.sensitivity import Scale, Sensitivity
from mmtts.networks.widths.resizing import find_parts

LEVELS = (0.85, 0.7, 0.5)  # of a component's width, at which that error is measured


class Measurements:
    """Calibrated once, any number of ratios can be tried.

    Args:
        model: to be compressed; it is copied.
        calibration: keyword arguments for ``model(**kwargs)``, batch by batch; read once.
        probes: how many batches are kept to measure on what widths do to the model's output.
        iterations: of refitting what makes hidden units; 0: closed forms alone.

    Raises:
        InputError: Nothing in the model can be compressed, or the data cannot be used.
    """

    def __init__(
        self, model: nn.Module, calibration: Iterable[Mapping[str, Any]], probes: int = 2,
        iterations: int = ITERATIONS,
    ) -> None:  # fmt: skip
        self.model = copy.deepcopy(model).eval()
        found = find_parts(self.model)
        if not found.parts:
            raise InputError(
                f"{type(model).__name__} holds no attention or feed-forward layer that can be "
                f"compressed{''.join(f'; {s.layer}: {s.reason}' for s in found.unknown)}"
            )
        self.batches: list[Mapping[str, Any]] = []
        self.probes, self.iterations = probes, iterations
        self.statistics = calibrate(self.model, found.parts, self._keep_first(calibration))
        self._problems: dict[tuple[int, str, bool], Problem] = {}
        self._scales: dict[tuple[int, str, bool], Scale] = {}

    def why_not(self, number: int, component: str) -> str | None:
        """Why a component of a part must stay as it is; None when it can be compressed."""
        statistics = self.statistics[number]
        if component in statistics.part.skipped:
            return statistics.part.skipped[component]
        if statistics.rows == 0:
            return "the calibration data never reached it"
        return None

    def problem(self, number: int, component: str, refit: bool) -> Problem:
        """One component of one part, in the order of `find_parts`."""
        key = (number, component, refit)
        if key not in self._problems:
            self._problems[key] = pose(self.statistics[number], component, refit, self.iterations)
        return self._problems[key]

    def scale(self, number: int, component: str, refit: bool) -> Scale:
        """What a loss of that component does to the output of the whole model."""
        key = (number, component, refit)
        if key not in self._scales:
            part, problem = self.statistics[number].part, self.problem(*key)
            levels = sorted({max(1, round(level * problem.full)) for level in LEVELS})
            self._scales[key] = self.sensitivity.scale(part, problem, levels)
        return self._scales[key]

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """Runs the kept batches."""
        return Sensitivity(self.model, self.batches)

    def _keep_first(self, calibration: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for number, kwargs in enumerate(calibration):
            if number < self.probes:
                self.batches.append(kwargs)
            yield kwargs
