"""Dropping hidden units or rotation pairs one at a time, those that the others make up for best.

Source: the optimal brain surgeon (Hassibi and Stork 1993), for whole units and pairs; exact where
what reads them is linear.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.compression.moments import damped
from mmtts.compression.rotary import PairSystem, RotaryScores
from mmtts.compression.solvers import UnitSolution, pair_selection

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


def eliminate_pairs(scores: RotaryScores) -> Tensor:
    """Rank rotation pairs by dropping the least one again and again, for each group of heads.

    With A the normal equations of one side's map B and G the moments of that side, dropping pair p
    and refitting costs tr(((A^-1)_pp)^-1 (B^H G B)_pp), here summed over both sides. After each
    pair both maps are refitted once.

    Returns:
        Pairs by importance, int64 (G, d / 2).
    """
    groups, count = scores.frequencies.shape
    pairs = torch.arange(count, device=scores.frequencies.device).repeat(groups, 1)
    system = PairSystem(scores, pairs)
    maps = system.enter(pair_selection(pairs, 2 * count, scores.layout))
    query_map = key_map = maps
    order = []
    for left in range(count - 1, 0, -1):
        costs = pair_costs(system.system(key_map, scores.key, False), query_map, scores.query)
        costs += pair_costs(system.system(query_map, scores.query, True), key_map, scores.key)
        ranking = costs.argsort(dim=1, descending=True)
        order.append(pairs.gather(1, ranking[:, -1:]))
        stays = ranking[:, :left].sort(dim=1).values
        pairs = pairs.gather(1, stays)
        columns = torch.cat([stays, stays + left + 1], dim=1)[:, None].expand(-1, 2 * count, -1)
        query_map, key_map = query_map.gather(2, columns), key_map.gather(2, columns)
        system = PairSystem(scores, pairs)
        query_map = system.step(query_map, key_map, scores.key, backward=False)
        key_map = system.step(key_map, query_map, scores.query, backward=True)
    return torch.cat([pairs, *order[::-1]], dim=1)


def pair_costs(system: Tensor, maps: Tensor, moment: Tensor) -> Tensor:
    """What dropping each pair costs one side (G, n).

    Args:
        system: normal equations (G, 2 n, 2 n), first all pairs, then their conjugates.
        maps: of that side (G, d, 2 n).
        moment: of that side (G, d, d).
    """
    blocks = []
    for matrix in (torch.linalg.inv(damped(system)), maps.mH @ moment @ maps):
        both = matrix.unflatten(1, (2, -1)).unflatten(3, (2, -1))  # (G, 2, n, 2, n)
        blocks.append(both.diagonal(dim1=2, dim2=4).movedim(-1, 1))  # (G, n, 2, 2)
    return torch.linalg.solve(*blocks).diagonal(dim1=-2, dim2=-1).real.sum(dim=-1)
