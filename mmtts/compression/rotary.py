"""Scores under rotary positions: narrower queries and keys that may mix their rotation pairs.

Source: derived here; the alternating least squares of a sum of rotations weighted by how often each
distance occurs. Row vectors; a score is q R_d k^T, where R_d turns each pair of channels by the
distance d times its frequency.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmtts.compression.distances import Distances
from mmtts.compression.moments import damped
from mmtts.compression.solvers import pair_channels, pair_selection
from mmtts.networks.widths.parts import Layout

SWEEPS, ENOUGH = 40, 1e-3  # at most; stop when the error falls by less than this share of itself


class RotaryMaps(NamedTuple):
    """Maps of queries and keys to the channels of fewer rotation pairs."""

    loss: Tensor  # mean squared score error (G,)
    pairs: Tensor  # that stay, int64 (G, n)
    query_map: Tensor  # (G, d, 2 n)
    key_map: Tensor  # (G, d, 2 n)


class RotaryScores:
    """Scores q R_d k^T of groups of heads, over all pairs at the distances of a histogram.

    In the basis of a pair's two complex combinations (a + i b) / sqrt(2) and (a - i b) / sqrt(2)
    all rotations are diagonal, so the mean of R_d X R'_d^T over the distances is X times, entry by
    entry, a kernel of the two frequencies.

    Args:
        query_moment: G_q = E[q^T q] before the rotation, summed over the heads of a group
            (G, d, d).
        key_moment: G_k = E[k^T k] (G, d, d).
        frequencies: radians per position of each pair (G, d / 2).
        distances: how often each distance occurs.
        layout: how pairs lie in a head.
    """

    def __init__(
        self,
        query_moment: Tensor,
        key_moment: Tensor,
        frequencies: Tensor,
        distances: Distances,
        layout: Layout,
    ) -> None:
        self.frequencies, self.distances, self.layout = frequencies.double(), distances, layout
        self.basis = complex_basis(query_moment.shape[-1], layout).to(query_moment.device)
        self.query, self.key = (
            self.basis.mH @ moment.to(self.basis) @ self.basis
            for moment in (query_moment, key_moment)
        )
        both = self.both_ways(self.frequencies)
        kernel = distances.kernel(both, both)
        self.total = inner(self.query, kernel * self.key)

    def prune(self, pairs: Tensor) -> RotaryMaps:
        """Keep pairs int64 (G, n) as they are."""
        select = pair_selection(pairs, len(self.basis), self.layout)
        system = PairSystem(self, pairs)
        chosen = system.enter(select)
        return RotaryMaps(system.loss(chosen, chosen), pairs, select, select)

    def refit(self, pairs: Tensor) -> RotaryMaps:
        """Let all channels enter the kept pairs (G, n), by alternating least squares.

        With B_k fixed the best B_q is (mean R_d G_k B_k R'_d^T) (mean R'_d B_k^T G_k B_k R'_d^T)^-1
        and the other way round; G_q cancels, so one map serves all heads that share keys. Each step
        holds on to the map before where the data says nothing, and none raises the error.
        """
        start, system = self.prune(pairs), PairSystem(self, pairs)
        query_map, key_map = system.enter(start.query_map), system.enter(start.key_map)
        loss = start.loss
        for _ in range(SWEEPS):
            query_map = system.step(query_map, key_map, self.key, backward=False)
            key_map = system.step(key_map, query_map, self.query, backward=True)
            before, loss = loss, system.loss(query_map, key_map)
            if bool((before - loss <= ENOUGH * before).all()):
                break
        return RotaryMaps(loss, pairs, system.leave(query_map), system.leave(key_map))

    def both_ways(self, frequencies: Tensor) -> Tensor:
        """Frequencies of pairs (G, n) and of their conjugates (G, 2 n)."""
        return torch.cat([frequencies, -frequencies], dim=-1)


class PairSystem:
    """The least squares of `RotaryScores` for one choice of pairs, in the complex basis.

    Args:
        scores: to be approximated.
        pairs: that stay, int64 (G, n).
    """

    def __init__(self, scores: RotaryScores, pairs: Tensor) -> None:
        self.scores = scores
        kept = scores.frequencies.gather(1, pairs.to(scores.frequencies.device))
        all_ways, kept_ways = scores.both_ways(scores.frequencies), scores.both_ways(kept)
        self.across = scores.distances.kernel(all_ways, kept_ways)
        self.within = scores.distances.kernel(kept_ways, kept_ways)
        self.basis = complex_basis(2 * pairs.shape[1], scores.layout).to(scores.basis)

    def enter(self, maps: Tensor) -> Tensor:
        """Take real maps (G, d, 2 n) to the complex basis."""
        return self.scores.basis.mH @ maps.to(self.basis) @ self.basis

    def leave(self, maps: Tensor) -> Tensor:
        """Take maps back; they are real but for rounding."""
        return (self.scores.basis @ maps @ self.basis.mH).real

    def step(self, maps: Tensor, other: Tensor, moment: Tensor, backward: bool) -> Tensor:
        """The best map of one side, given the other's; backward from the keys to the queries."""
        across = self.across.conj() if backward else self.across
        system = self.system(other, moment, backward)
        missing = across * (moment @ other) - maps @ system
        return maps + torch.linalg.solve(damped(system), missing, left=False)

    def system(self, other: Tensor, moment: Tensor, backward: bool) -> Tensor:
        """The matrix of the normal equations of one side (G, 2 n, 2 n)."""
        within = self.within.conj() if backward else self.within  # distances change their sign
        return within * (other.mH @ moment @ other)

    def loss(self, query_map: Tensor, key_map: Tensor) -> Tensor:
        """Mean squared score error (G,)."""
        scores = self.scores
        crossed = inner(scores.query @ query_map, self.across * (scores.key @ key_map))
        query = query_map.mH @ scores.query @ query_map
        key = key_map.mH @ scores.key @ key_map
        return (scores.total - 2 * crossed + inner(query, self.within * key)).clamp_min(0)


def inner(first: Tensor, second: Tensor) -> Tensor:
    """Real part of the inner product of matrices (G, n, m): (G,)."""
    return (first.conj() * second).real.sum(dim=(-2, -1))


def complex_basis(width: int, layout: Layout) -> Tensor:
    """Unitary matrix (d, d) that makes rotations of row vectors diagonal.

    Its columns are first the pairs, then their conjugates.
    """
    half = width // 2
    channels = pair_channels(torch.arange(half)[:, None], width, layout)  # (d / 2, 2)
    basis = torch.zeros(width, width, dtype=torch.complex128)
    number, root = torch.arange(half), 0.5**0.5
    for ways, sign in ((0, 1), (half, -1)):
        basis[channels[:, 0], number + ways] = root
        basis[channels[:, 1], number + ways] = sign * 1j * root
    return basis
