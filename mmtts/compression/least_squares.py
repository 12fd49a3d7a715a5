"""Refitting the matrix that reads what is left, so that it makes up for what is gone."""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.compression.moments import damped


def refit(moment: Tensor, target: Tensor, inputs: Tensor, start: Tensor) -> Tensor:
    """Minimize E|x T - x A W|^2 over W, holding on to a first W where the data says nothing.

    The ridge is on the distance from the first W, so the error is never above that of the first.

    Args:
        moment: E[x^T x] (n, n), float64.
        target: T (n, E).
        inputs: A, what is left of x (n, m).
        start: the first W (m, E).

    Returns:
        W (m, E).
    """
    seen = inputs.T @ moment
    missing = seen @ (target - inputs @ start)
    return start + torch.linalg.solve(damped(seen @ inputs), missing)


def output_error(moment: Tensor, target: Tensor, inputs: Tensor, fitted: Tensor) -> Tensor:
    """E|x T - x A W|^2 by output channel (E,); arguments as for `refit`, W in `fitted`."""
    missed = target - inputs @ fitted
    return (missed * (moment @ missed)).sum(dim=0).clamp_min(0)
