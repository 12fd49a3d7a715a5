"""The decoder of Matcha-TTS: a 1-D U-Net of ResNet and Transformer blocks (arXiv 2309.03199).

Two levels down, two blocks in the middle, two levels up, 256 channels; the time of the flow enters
each ResNet block. Tensors are (B, C, T).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8  # of the group normalization


class SnakeBeta(nn.Module):
    """Linear layer, then ``x + sin²(αx) / β``, α and β learned (Lee et al., arXiv 2206.04658)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, hidden)
        self.log_alpha = nn.Parameter(torch.zeros(hidden))
        self.log_beta = nn.Parameter(torch.zeros(hidden))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) to (..., hidden)."""
        x = self.linear(x)
        return x + (self.log_alpha.exp() * x).sin() ** 2 / (self.log_beta.exp() + 1e-9)


class TransformerBlock(nn.Module):
    """Self-attention and a snake feed-forward, norms in front, on (B, C, T)."""

    def __init__(self, width: int, heads: int = 2, head_width: int = 64) -> None:
        super().__init__()
        self.heads = heads
        inner = heads * head_width
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * inner, bias=False)
        self.output = nn.Linear(inner, width)
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(width), SnakeBeta(width, 4 * width), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) to the same shape."""
        x = x.transpose(1, 2)
        joint = self.queries_keys_values(self.attention_norm(x))
        q, k, v = joint.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        x = x + self.output(mixed.transpose(1, 2).flatten(2))
        return (x + self.feed_forward(x)).transpose(1, 2)


class NormedConv(nn.Sequential):
    """Convolution of three taps, group normalization, Mish."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv1d(inputs, outputs, 3, padding=1), nn.GroupNorm(GROUPS, outputs), nn.Mish()
        )


class ResnetBlock(nn.Module):
    """Two convolutions with the time added between them, and a residual path."""

    def __init__(self, inputs: int, outputs: int, time_width: int) -> None:
        super().__init__()
        self.first, self.second = NormedConv(inputs, outputs), NormedConv(outputs, outputs)
        self.time = nn.Sequential(nn.Mish(), nn.Linear(time_width, outputs))
        self.shortcut = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """From x (B, inputs, T), time (B, time_width) to (B, outputs, T)."""
        hidden = self.first(x) + self.time(time).unsqueeze(-1)
        return self.second(hidden) + self.shortcut(x)


class Level(nn.Module):
    """One level of the U-Net: a ResNet block and a Transformer block."""

    def __init__(self, inputs: int, outputs: int, time_width: int) -> None:
        super().__init__()
        self.resnet = ResnetBlock(inputs, outputs, time_width)
        self.transformer = TransformerBlock(outputs)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """From x (B, inputs, T), time (B, time_width) to (B, outputs, T)."""
        return self.transformer(self.resnet(x, time))


class UNet(nn.Module):
    """Velocity of the flow from noise to mel.

    Args:
        n_mels: Bands of the mel.
        width: Channels of every level.
        time_width: Channels of the embedded time.
    """

    def __init__(self, n_mels: int = 80, width: int = 256, time_width: int = 1024) -> None:
        super().__init__()
        self.frequencies = 2 * n_mels
        self.time = nn.Sequential(
            nn.Linear(self.frequencies, time_width), nn.SiLU(), nn.Linear(time_width, time_width)
        )
        self.down = nn.ModuleList(
            [Level(2 * n_mels, width, time_width), Level(width, width, time_width)]
        )
        self.shorten = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.below = nn.Conv1d(width, width, 3, padding=1)
        self.middle = nn.ModuleList(Level(width, width, time_width) for _ in range(2))
        self.up = nn.ModuleList(Level(2 * width, width, time_width) for _ in range(2))
        self.lengthen = nn.ConvTranspose1d(width, width, 4, stride=2, padding=1)
        self.above = nn.Conv1d(width, width, 3, padding=1)
        self.output = nn.Sequential(NormedConv(width, width), nn.Conv1d(width, n_mels, 1))

    def forward(self, x: Tensor, prior: Tensor, t: Tensor) -> Tensor:
        """Velocity (B, M, T) at x (B, M, T), given the prior (B, M, T) and times (B,).

        T must be even.
        """
        time = self.time(embed_time(t, self.frequencies))
        long = self.down[0](torch.cat([x, prior], dim=1), time)
        short = self.down[1](self.shorten(long), time)
        hidden = self.below(short)
        for level in self.middle:
            hidden = level(hidden, time)
        hidden = self.lengthen(self.up[0](torch.cat([hidden, short], dim=1), time))
        hidden = self.above(self.up[1](torch.cat([hidden, long], dim=1), time))
        return self.output(hidden)


def embed_time(t: Tensor, width: int) -> Tensor:
    """Sines and cosines of times (B,) in [0, 1]: (B, width)."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(1e4) / (half - 1)))
    angles = 1000 * t.unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
