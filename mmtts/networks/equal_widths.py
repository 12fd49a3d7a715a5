"""Attention whose queries and keys may be wider than its values, or narrower."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor


def pad_to_equal(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pad the narrower of queries with keys, and values, with zeros: all (B, H, L, d).

    PyTorch's fused attention on a CPU wants all three as wide; else it writes the whole matrix of
    scores, which takes three times as long. Zeros change neither scores nor the values before them.
    """
    missing = value.shape[-1] - query.shape[-1]
    if missing > 0:
        query, key = F.pad(query, (0, missing)), F.pad(key, (0, missing))
    elif missing < 0:
        value = F.pad(value, (0, -missing))
    return query, key, value


def attend(query: Tensor, key: Tensor, value: Tensor, **options: Any) -> Tensor:
    """`scaled_dot_product_attention` of heads (B, H, L, d) with values of any width d_v.

    Args:
        query: (B, H, L, d).
        key: (B, H, S, d).
        value: (B, H, S, d_v).
        options: of `scaled_dot_product_attention`; say `scale`, which padding would change.

    Returns:
        (B, H, L, d_v).
    """
    width = value.shape[-1]
    padded = pad_to_equal(query, key, value)
    return F.scaled_dot_product_attention(*padded, **options)[..., :width]
