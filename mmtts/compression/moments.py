"""Second moments of activations, gathered as a stream in float64, and their square roots."""

from __future__ import annotations

import torch
from torch import Tensor

DAMPING = 1e-8


class Moment:
    """Running E[x^T x] of several heads, in memory that does not depend on the data.

    Args:
        heads: H.
        width: d of each head.
    """

    def __init__(self, heads: int, width: int) -> None:
        self.sum = torch.zeros(heads, width, width, dtype=torch.float64)
        self.rows = 0

    def add(self, x: Tensor, weights: Tensor) -> None:
        """Add rows.

        Args:
            x: (N, H * d), the heads side by side.
            weights: of each row, at least 0 (N,).
        """
        heads, width = self.sum.shape[:2]
        x = x.detach().double().unflatten(-1, (heads, width)).transpose(0, 1)
        weighted = x * weights.double()[None, :, None]
        self.sum = self.sum.to(x.device) + weighted.transpose(1, 2) @ x
        self.rows += x.shape[1]

    def mean(self) -> Tensor:
        """E[x^T x] (H, d, d)."""
        return self.sum / max(self.rows, 1)


def with_one(x: Tensor) -> Tensor:
    """Append an input of 1 to rows (N, D), the one that a bias multiplies: (N, D + 1)."""
    return torch.cat([x, x.new_ones(len(x), 1)], dim=1)


def damped(moment: Tensor, damping: float = DAMPING) -> Tensor:
    """Add a small share of the mean of the diagonal to the diagonal.

    Without it, directions that the calibration data never took would be blown up by an inverse.

    Args:
        moment: symmetric or Hermitian, no negative eigenvalues (..., d, d).
        damping: the share.
    """
    level = moment.diagonal(dim1=-2, dim2=-1).real.mean(dim=-1)[..., None, None]
    level = torch.where(level > 0, level, 1.0)  # what is always 0 may be cut anywhere
    return moment + damping * level * torch.eye(moment.shape[-1]).to(moment)


def square_roots(moment: Tensor, damping: float = DAMPING) -> tuple[Tensor, Tensor]:
    """Symmetric square root of a moment matrix and its inverse.

    Args:
        moment: symmetric, no negative eigenvalues (..., d, d), float64.
        damping: see `damped`.

    Returns:
        Root and inverse root, both (..., d, d).
    """
    values, vectors = torch.linalg.eigh(damped(moment, damping))
    rounding = torch.finfo(moment.dtype).eps * values.abs().mean(dim=-1, keepdim=True)
    rounding = torch.where(rounding > 0, rounding, 1.0)
    values = values.maximum(rounding).sqrt().unsqueeze(-2)
    transposed = vectors.transpose(-2, -1)
    return (vectors * values) @ transposed, (vectors / values) @ transposed
