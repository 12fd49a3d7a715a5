"""Dropping hidden units one at a time, each time the one that the others make up for best.

Source: the optimal brain surgeon (Hassibi and Stork 1993) for whole units; exact here, because what
reads the units is linear.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.compression.least_squares import damped
from mmtts.compression.solvers import UnitSolution

COMPACT = 0.8  # of the rows are left: gather them, so that late steps are cheap


def eliminate_units(moment: Tensor, readers: Tensor, units: int) -> UnitSolution:
    """Rank hidden units by dropping the least one again and again.

    With R the moments of the units and v_i the row that reads unit i, dropping i and refitting the
    others costs |v_i|^2 / (R^-1)_ii; then v and R^-1 are brought up to date.

    Args:
        moment: R of the units and of what always stays, such as the input of 1 (n, n), float64.
        readers: v, the matrix that reads them (n, E).
        units: how many of the rows are units; they come first.

    Returns:
        Units by importance. The sum of the losses from the r-th on is what the first r, refitted,
        cannot make up for.
    """
    inverse = torch.linalg.inv(damped(moment))
    readers = readers.clone()
    left = torch.arange(len(moment), device=moment.device)
    order, losses = [], []
    alive = left < units
    for _ in range(units):
        costs = readers.square().sum(dim=1) / inverse.diagonal()
        worst = int(torch.where(alive, costs, torch.inf).argmin())
        order.append(left[worst])
        losses.append(costs[worst])
        column, pivot = inverse[:, worst].clone(), inverse[worst, worst].clone()
        readers.addr_(column, readers[worst].clone(), alpha=-1 / float(pivot))
        inverse.addr_(column, column, alpha=-1 / float(pivot))
        alive[worst] = False
        inverse[worst, worst] = 1  # 0 now; it is never looked at again
        stays = alive | (left >= units)
        if int(stays.sum()) < COMPACT * len(left):
            inverse, readers = inverse[stays][:, stays], readers[stays]
            left, alive = left[stays], alive[stays]
    return UnitSolution(torch.stack(losses[::-1])[None], torch.stack(order[::-1]))
