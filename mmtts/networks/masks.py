"""Masks of padded batches."""

from __future__ import annotations

import torch
from torch import Tensor


def mask_from_lens(lens: Tensor, max_len: int | None = None) -> Tensor:
    """Mark the valid positions of a padded batch.

    Args:
        lens: number of valid positions per row, int64 (B,).
        max_len: padded length L; the longest row when None.

    Returns:
        bool (B, L), True = valid.
    """
    length = int(lens.max()) if max_len is None else max_len
    return torch.arange(length, device=lens.device)[None, :] < lens[:, None]


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average ``values`` (B, L, D) over the valid positions of all rows and over D.

    Args:
        values: (B, L, D).
        mask: bool (B, L).

    Returns:
        Scalar; 0 when nothing is valid.
    """
    weights = mask.unsqueeze(-1).to(values.dtype)
    return (values * weights).sum() / (weights.sum() * values.shape[-1]).clamp_min(1.0)
