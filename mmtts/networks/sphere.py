"""The unit sphere that styles lie on."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def leave_sphere(origin: Tensor, direction: Tensor) -> Tensor:
    """Where rays leave the unit sphere.

    Args:
        origin: A point inside (D,).
        direction: (..., D), of any length.

    Returns:
        Unit vectors (..., D); those from the center are the directions themselves.
    """
    u = F.normalize(direction, dim=-1)
    along = u @ origin
    distance = (along.square() + 1.0 - origin.square().sum()).clamp_min(0.0).sqrt() - along
    return origin + distance.unsqueeze(-1) * u
