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
