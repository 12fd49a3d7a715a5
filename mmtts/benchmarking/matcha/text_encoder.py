"""Text encoder and duration predictor of Matcha-TTS (Mehta et al. 2024, arXiv 2309.03199).

Written from the published description: convolutional prenet, Transformer layers with rotary
position embeddings on half of the features, convolutions as feed-forward. One sentence at a time,
so that no mask is needed; tensors are (B, C, N) throughout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ChannelNorm(nn.LayerNorm):
    """Layer normalization over the channels of (B, C, N)."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize each position."""
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Prenet(nn.Module):
    """Three convolutions with ReLU in front of the Transformer, around them a residual path."""

    def __init__(self, width: int, layers: int = 3, kernel: int = 5) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, width, kernel, padding=kernel // 2), ChannelNorm(width), nn.ReLU()
            )
            for _ in range(layers)
        )
        self.output = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Embedded phonemes (B, C, N) to the same shape."""
        hidden = x
        for layer in self.layers:
            hidden = layer(hidden)
        return x + self.output(hidden)


class RotaryAttention(nn.Module):
    """Self-attention with rotary position embeddings on half of each head's features."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.rotated = width // heads // 2
        self.query, self.key, self.value, self.output = (
            nn.Conv1d(width, width, 1) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N) to the same shape."""
        q, k, v = (
            project(x).unflatten(1, (self.heads, -1)).transpose(2, 3)
            for project in (self.query, self.key, self.value)
        )
        mixed = F.scaled_dot_product_attention(self._rotate(q), self._rotate(k), v)
        return self.output(mixed.transpose(2, 3).flatten(1, 2))

    def _rotate(self, x: Tensor) -> Tensor:
        """Turn the first features of (B, H, N, D) by angles that grow with the position."""
        turned, rest = x[..., : self.rotated], x[..., self.rotated :]
        positions = torch.arange(x.shape[2], device=x.device)
        rates = 1e4 ** (-torch.arange(0, self.rotated, 2, device=x.device) / self.rotated)
        angles = torch.outer(positions, rates).repeat(1, 2)
        low, high = turned.chunk(2, dim=-1)
        turned = turned * angles.cos() + torch.cat([-high, low], dim=-1) * angles.sin()
        return torch.cat([turned, rest], dim=-1)


class EncoderLayer(nn.Module):
    """Attention and convolutional feed-forward, each with a residual path and a norm behind."""

    def __init__(self, width: int, hidden: int, heads: int, kernel: int) -> None:
        super().__init__()
        self.attention = RotaryAttention(width, heads)
        self.attention_norm = ChannelNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Conv1d(width, hidden, kernel, padding=kernel // 2),
            nn.ReLU(),
            nn.Conv1d(hidden, width, kernel, padding=kernel // 2),
        )
        self.feed_forward_norm = ChannelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, N) to the same shape."""
        x = self.attention_norm(x + self.attention(x))
        return self.feed_forward_norm(x + self.feed_forward(x))


class TextEncoder(nn.Module):
    """Phonemes to hidden vectors and the mel that the decoder starts from.

    Args:
        n_symbols: Phonemes that it knows.
        n_mels: Bands of the mel.
        width: Channels.
        hidden: Channels inside the feed-forward parts.
        layers: Transformer layers.
        heads: Attention heads of each.
        kernel: Taps of the feed-forward convolutions.
    """

    def __init__(
        self,
        n_symbols: int,
        n_mels: int = 80,
        width: int = 192,
        hidden: int = 768,
        layers: int = 6,
        heads: int = 2,
        kernel: int = 3,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_symbols, width)
        self.prenet = Prenet(width)
        self.layers = nn.Sequential(
            *(EncoderLayer(width, hidden, heads, kernel) for _ in range(layers))
        )
        self.prior = nn.Conv1d(width, n_mels, 1)

    def forward(self, phonemes: Tensor) -> tuple[Tensor, Tensor]:
        """Phonemes int64 (B, N) to hidden (B, C, N) and prior (B, M, N)."""
        embedded = self.embedding(phonemes).transpose(1, 2) * self.embedding.embedding_dim**0.5
        hidden = self.layers(self.prenet(embedded))
        return hidden, self.prior(hidden)


class DurationPredictor(nn.Sequential):
    """Two convolutions: hidden (B, C, N) to log durations (B, 1, N)."""

    def __init__(self, width: int = 192, hidden: int = 256, kernel: int = 3) -> None:
        super().__init__(
            nn.Conv1d(width, hidden, kernel, padding=kernel // 2),
            nn.ReLU(),
            ChannelNorm(hidden),
            nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2),
            nn.ReLU(),
            ChannelNorm(hidden),
            nn.Conv1d(hidden, 1, 1),
        )
