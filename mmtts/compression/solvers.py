"""The three closed-form solutions of A3, and the selection that rotary positions need.

Each solver is given second moments only and answers with one full-width solution, best directions
first; cutting it after the r-th direction is optimal for every r. Row vectors, y = x W; d is the
width of a head. All in float64.

Source: Wong et al., A3: an analytical low-rank approximation framework for attention (arXiv
2505.12942), derived anew: the printed form has slips, which exactness at full rank exposes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmtts.compression.moments import DAMPING, square_roots
from mmtts.networks.widths.parts import Layout


class QKSolution(NamedTuple):
    """Maps of queries and keys to fewer channels, one per group of heads."""

    losses: Tensor  # squared score error by direction or rotation pair, falling (G, n)
    query_map: Tensor  # (G, d, d), columns by importance
    key_map: Tensor  # (G, d, d)


class RotarySolution(NamedTuple):
    """Rotation pairs in the order of their importance, one list per group of heads."""

    losses: Tensor  # score error by pair, falling (G, d / 2)
    pairs: Tensor  # int64 (G, d / 2)
    layout: Layout


class OVSolution(NamedTuple):
    """Maps of the values, and the output matrices that undo them."""

    losses: Tensor  # squared output error by direction, falling (G, d)
    value_map: Tensor  # (G, d, d), columns by importance
    output: Tensor  # new output matrix of each group (G, d, E), rows by importance


class UnitSolution(NamedTuple):
    """Hidden units in the order of their importance."""

    losses: Tensor  # squared output error by unit, falling (1, F)
    units: Tensor  # int64 (F,)


def solve_qk(query_moment: Tensor, key_moment: Tensor, damping: float = DAMPING) -> QKSolution:
    """Minimize E[(q k^T - q' k'^T)^2] over all pairs of a query and a key, before the softmax.

    With U S V^T = svd(G_q^1/2 G_k^1/2) the maps are B_q = G_q^-1/2 U_r S_r^1/2 and B_k = G_k^-1/2
    V_r S_r^1/2, and the error is the sum of the squared singular values dropped. Heads that share
    their keys (grouped queries) enter with the sum of their query moments.

    Args:
        query_moment: G_q = E[q^T q], biases included (G, d, d).
        key_moment: G_k = E[k^T k] (G, d, d).
        damping: see :func:`square_roots`.
    """
    query_root, query_inverse = square_roots(query_moment, damping)
    key_root, key_inverse = square_roots(key_moment, damping)
    left, values, right = torch.linalg.svd(query_root @ key_root)
    balance = values.sqrt().unsqueeze(-2)
    return QKSolution(
        losses=values**2,
        query_map=query_inverse @ left * balance,
        key_map=key_inverse @ right.transpose(-2, -1) * balance,
    )


def solve_rotary(query_power: Tensor, key_power: Tensor, layout: Layout) -> RotarySolution:
    """Rank whole rotation pairs (a, b) by E[q_a^2] E[k_a^2] + E[q_b^2] E[k_b^2].

    Mixing channels of different pairs would not commute with the rotation, so pairs are kept or
    dropped as they are.

    Args:
        query_power: E[q^2], summed over the heads of a group (G, d).
        key_power: E[k^2] (G, d).
        layout: whether pair i is (i, i + d/2) or (2i, 2i + 1).
    """
    width = query_power.shape[-1]
    members = pair_channels(torch.arange(width // 2, device=query_power.device), width, layout)
    product = (query_power * key_power)[:, members]
    if layout == "half":
        scores = product.unflatten(-1, (2, -1)).sum(dim=-2)
    else:
        scores = product.unflatten(-1, (-1, 2)).sum(dim=-1)
    losses, pairs = scores.sort(dim=-1, descending=True, stable=True)
    return RotarySolution(losses, pairs, layout)


def pair_channels(pairs: Tensor, width: int, layout: Layout) -> Tensor:
    """Channels of rotation pairs, in the order the layout wants them.

    Args:
        pairs: int64 (..., n).
        width: d of the head that the pairs are taken from.
        layout: how pairs lie in a head.

    Returns:
        int64 (..., 2 n).
    """
    if layout == "half":
        return torch.cat([pairs, pairs + width // 2], dim=-1)
    return torch.stack([2 * pairs, 2 * pairs + 1], dim=-1).flatten(-2)


def pair_selection(pairs: Tensor, width: int, layout: Layout) -> Tensor:
    """Maps (G, d, 2 n) that keep rotation pairs (G, n) of heads of width d, a 1 in each column."""
    identity = torch.eye(width, dtype=torch.float64, device=pairs.device)
    return identity[pair_channels(pairs, width, layout)].transpose(1, 2)


def solve_ov(attended_moment: Tensor, output: Tensor, damping: float = DAMPING) -> OVSolution:
    """Minimize E|c W_o - c M W'|^2 over the map M of the values and the new output W'.

    With U S V^T = svd(C^1/2 W_o) the map is M = C^-1/2 U_r and W' = U_r^T C^1/2 W_o; the error is
    the sum of the squared singular values dropped. Heads that share their values enter with their
    output matrices side by side.

    Args:
        attended_moment: C = E[c^T c] of what enters the output projection (G, d, d).
        output: W_o (G, d, E).
        damping: see :func:`square_roots`.
    """
    root, inverse = square_roots(attended_moment, damping)
    weighted = root @ output
    missing = weighted.shape[-2] - weighted.shape[-1]
    # Zero columns change nothing but make the left singular vectors a full basis.
    padded = torch.nn.functional.pad(weighted, (0, max(missing, 0)))
    left, values, _ = torch.linalg.svd(padded, full_matrices=False)
    return OVSolution(
        losses=values**2, value_map=inverse @ left, output=left.transpose(-2, -1) @ weighted
    )


def solve_units(power: Tensor, down: Tensor) -> UnitSolution:
    """Rank hidden units by E[h_i^2] |w_down,i|^2.

    Args:
        power: E[h^2] (F,).
        down: the matrix that reads the units (E, F), or a convolution (E, F, K).
    """
    norms = (down.double() ** 2).transpose(0, 1).flatten(1).sum(dim=1)
    losses, units = (power * norms).sort(descending=True, stable=True)
    return UnitSolution(losses[None], units)
