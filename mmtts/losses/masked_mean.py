"""The mean over the valid positions of padded batches."""

from __future__ import annotations

from torch import Tensor

from mmtts.losses.gathering import global_mean


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Average ``values`` (B, L, D) over the valid positions of all rows and over D.

    Args:
        values: (B, L, D).
        mask: bool (B, L).

    Returns:
        Scalar, of the global batch; 0 when nothing is valid.
    """
    weights = mask.unsqueeze(-1).to(values.dtype)
    count = weights.sum()
    mean = (values * weights).sum() / (count * values.shape[-1]).clamp_min(1.0)
    return global_mean(mean, count)
