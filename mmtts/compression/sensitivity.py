"""What a loss in one component does to the output of the whole model, measured at three levels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression.problems import Problem
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.widths.parts import Part


class Sensitivity:
    """How far the output of a model moves when one of its components becomes narrower.

    Args:
        model: the uncompressed one; its parts are narrowed one at a time, and put back.
        batches: keyword arguments for it.
    """

    def __init__(self, model: nn.Module, batches: Sequence[Mapping[str, Any]]) -> None:
        self.model = model
        self.expected = [run(model, kwargs) for kwargs in batches]
        self.batches = list(batches)
        if isinstance(model, AcousticModel):  # only frames of the same phonemes can be compared
            self.batches = [
                {**kwargs, "pace": 1.0, "limit": lambda predicted, spoken=mel: spoken.durations}
                for kwargs, mel in zip(batches, self.expected, strict=True)
            ]

    def error(self) -> float:
        """How far the output is from what it was, averaged over the batches."""
        pairs = zip(self.expected, self.batches, strict=True)
        errors = [output_error(expected, run(self.model, kwargs), kwargs)
                  for expected, kwargs in pairs]  # fmt: skip
        return sum(errors) / len(errors)

    def scale(self, part: Part, problem: Problem, levels: Iterable[int]) -> Scale:
        """Let one component keep so many directions at a time, and see what comes of it."""
        points = []
        for kept in levels:
            fit = problem.trial(kept)
            with put_back(part):
                fit.put(part)
                points.append((fit.loss, self.error()))
        return Scale(points)


class Scale:
    """Turns the loss of a component into the error of the model's output.

    Between the measured points the error per loss is interpolated on logarithmic axes; beyond them
    it stays what it is at the last one.

    Args:
        points: losses, and the errors they caused.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        usable = sorted((loss, error) for loss, error in points if loss > 0 and error > 0)
        self.losses = np.log([loss for loss, _ in usable])
        self.ratios = np.log([error / loss for loss, error in usable])

    def __call__(self, loss: float) -> float:
        """Error of the model's output for a loss."""
        if loss <= 0 or not len(self.losses):
            return 0.0
        return float(loss * np.exp(np.interp(np.log(loss), self.losses, self.ratios)))


def run(model: nn.Module, kwargs: Mapping[str, Any]) -> Any:
    """Call a model with the same random numbers each time."""
    states = [(value, value.get_state()) for value in kwargs.values()
              if isinstance(value, torch.Generator)]  # fmt: skip
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(0)
        output = model(**kwargs)
    for generator, state in states:
        generator.set_state(state)
    return output


@contextmanager
def put_back(part: Part) -> Iterator[None]:
    """Undo afterwards whatever is done to a part."""
    owners = [slot.owner for slot in part.slots]
    kept = [(dict(owner._modules), dict(owner._buffers)) for owner in owners]
    try:
        yield
    finally:
        for owner, (modules, buffers) in zip(owners, kept, strict=True):
            owner._modules.update(modules)
            owner._buffers.update(buffers)


def output_error(expected: Any, found: Any, kwargs: Mapping[str, Any]) -> float:
    """How far one output of a model is from another.

    Where there are logits, it is the divergence KL(expected || found) of the distributions they
    stand for; else the squared difference of all numbers as a share of their variance. Padding does
    not count where an `attention_mask` (B, L) tells of it.

    Raises:
        InputError: The outputs cannot be compared.
    """
    mask = kwargs.get("attention_mask")
    pairs = [(a.double(), b.double()) for a, b in numbers(expected, found)]
    if isinstance(mask, Tensor) and mask.dim() == 2:
        pairs = [(a[mask.bool()], b[mask.bool()]) if a.shape[:2] == mask.shape else (a, b)
                 for a, b in pairs]  # fmt: skip
    if hasattr(expected, "logits"):
        ((first, second),) = pairs
        first, second = first.log_softmax(dim=-1), second.log_softmax(dim=-1)
        return float((first.exp() * (first - second)).sum(dim=-1).mean().clamp_min(0))
    shares = [(a - b).square().sum() / (a - a.mean()).square().sum().clamp_min(1e-300)
              for a, b in pairs]  # fmt: skip
    return float(torch.stack(shares).mean())


def numbers(expected: Any, found: Any) -> list[tuple[Tensor, Tensor]]:
    """The tensors of two outputs that can be compared, in pairs."""
    if hasattr(expected, "logits"):
        return [(expected.logits, found.logits)]
    both = [
        [output] if isinstance(output, Tensor) else list(
            output.values() if isinstance(output, Mapping) else output
        )
        for output in (expected, found)
    ]  # fmt: skip
    pairs = [(a, b) for a, b in zip(*both, strict=True)
             if isinstance(a, Tensor) and a.is_floating_point() and a.numel() > 1]  # fmt: skip
    if not pairs or any(a.shape != b.shape for a, b in pairs):
        raise InputError(
            "the outputs of the model are no tensors of one shape that could be compared: "
            "choose ranks=uniform or ranks=mixed"
        )
    return pairs
