"""Clips that are shorter than a network can hear."""

from __future__ import annotations

import torch
from torch import Tensor


def lengthened(clip: Tensor, samples: int) -> Tensor:
    """Repeat a clip (N,), N >= 1, until it has this many samples; a longer one stays as it is."""
    if len(clip) >= samples:
        return clip
    return clip[torch.arange(samples, device=clip.device) % len(clip)]
