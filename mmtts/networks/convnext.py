"""The one-dimensional ConvNeXt block (Liu et al. 2022; for speech, Siuzdak 2023, Vocos)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then an inverted bottleneck, scaled and added.

    Args:
        width: channels.
        hidden: channels of the bottleneck.
        scale: what the learned scale of the branch starts from.
        kernel_size: odd number of frames.
    """

    def __init__(self, width: int, hidden: int, scale: float, kernel_size: int = 7) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(
            width, width, kernel_size, padding=kernel_size // 2, groups=width
        )
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        y = self.over_time(x.transpose(1, 2)).transpose(1, 2)
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(y))))
