"""The generator of HiFi-GAN V1 (Kong et al. 2020, arXiv 2010.05646): 80 mels to 22.05 kHz sound."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RATES = (8, 8, 2, 2)  # together one hop, 256 samples
KERNELS = (16, 16, 4, 4)
FIELDS = (3, 7, 11)  # taps of the residual blocks that are averaged
DILATIONS = (1, 3, 5)
SLOPE = 0.1  # of the leaky ReLU


class ResidualBlock(nn.Module):
    """Three pairs of convolutions, the first of each pair dilated."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.dilated = nn.ModuleList(
            nn.Conv1d(width, width, kernel, dilation=d, padding=d * (kernel // 2))
            for d in DILATIONS
        )
        self.plain = nn.ModuleList(
            nn.Conv1d(width, width, kernel, padding=kernel // 2) for _ in DILATIONS
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S) to the same shape."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class FieldFusion(nn.Module):
    """The mean of residual blocks with several receptive fields."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width, kernel) for kernel in FIELDS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S) to the same shape."""
        return sum(block(x) for block in self.blocks) / len(FIELDS)


class HifiGan(nn.Module):
    """Mel to sound; without weight normalization, which is folded away before use.

    Args:
        n_mels: Bands of the mel.
        width: Channels in front of the first upsampling, halved by each.
    """

    def __init__(self, n_mels: int = 80, width: int = 512) -> None:
        super().__init__()
        self.input = nn.Conv1d(n_mels, width, 7, padding=3)
        self.upsamplings, self.fusions = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(RATES, KERNELS, strict=True):
            padding = (kernel - rate) // 2
            self.upsamplings.append(
                nn.ConvTranspose1d(width, width // 2, kernel, stride=rate, padding=padding)
            )
            width //= 2
            self.fusions.append(FieldFusion(width))
        self.output = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel: Tensor) -> Tensor:
        """Log mel (B, M, T) to sound (B, 256 T) in [-1, 1]."""
        x = self.input(mel)
        for upsample, fuse in zip(self.upsamplings, self.fusions, strict=True):
            x = fuse(upsample(F.leaky_relu(x, SLOPE)))
        return torch.tanh(self.output(F.leaky_relu(x))).squeeze(1)
