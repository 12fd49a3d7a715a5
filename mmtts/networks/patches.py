"""Patches: consecutive frames as one position, which divides the cost of every layer."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def into_patches(x: Tensor, mask: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Put ``patch`` frames at a time side by side.

    Args:
        x: frames (B, T, D); padded ones enter as zeros.
        mask: bool (B, T), True = valid.
        patch: frames per position.

    Returns:
        Positions (B, L, patch * D), L = ceil(T / patch), and which have a valid frame (B, L).
    """
    padding = -x.shape[1] % patch
    x = F.pad(x * mask.unsqueeze(-1), (0, 0, 0, padding)).unflatten(1, (-1, patch)).flatten(2)
    return x, F.pad(mask, (0, padding)).unflatten(1, (-1, patch)).any(dim=-1)


def out_of_patches(x: Tensor, mask: Tensor, patch: int) -> Tensor:
    """Positions (B, L, patch * D) to frames (B, T, D) again, 0 where the mask (B, T) is False."""
    frames = x.unflatten(-1, (patch, -1)).flatten(1, 2)[:, : mask.shape[1]]
    return frames * mask.unsqueeze(-1)
