"""Speech-style encoder E_s: a mel of any length becomes a point z of the style space."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.masks import mask_from_lens
from mmtts.networks.transformer import ConvFeedForward


class StyleEncoder(nn.Module):
    """Strided convolutions, residual convolutional layers and attentive statistics pooling.

    The pooling (Okabe et al. 2018, arXiv 1803.10963) keeps mean and spread of each channel and no
    order, so the words of the clip have nowhere to go.

    Args:
        n_mels: M, mel bands.
        style_dim: width of z.
        width: D of the hidden layers.
        layers: residual layers.
        dropout: dropout in the residual layers.
    """

    def __init__(
        self, n_mels: int, style_dim: int, width: int, layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.input = nn.Linear(4 * n_mels, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.layers = nn.ModuleList(
            ConvFeedForward(width, 2 * width, 3, dropout) for _ in range(layers)
        )
        self.final_norm = nn.LayerNorm(width)
        self.attention = nn.Sequential(nn.Linear(width, 128), nn.Tanh(), nn.Linear(128, width))
        self.output = nn.Linear(2 * width, style_dim)

    def forward(self, mel: Tensor, mel_lens: Tensor) -> Tensor:
        """Encode clips.

        Args:
            mel: normalized mel (B, T, M).
            mel_lens: valid frames int64 (B,), at least 1.

        Returns:
            z (B, style_dim), unit norm, float32.
        """
        mel = mel * mask_from_lens(mel_lens, mel.shape[1]).unsqueeze(-1)
        mel = F.pad(mel, (0, 0, 0, -mel.shape[1] % 4))
        lens = torch.div(mel_lens + 3, 4, rounding_mode="floor")
        x = self.input(mel.unflatten(1, (-1, 4)).flatten(2))
        mask = mask_from_lens(lens, x.shape[1])
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(norm(x), mask)
        x = self.final_norm(x)
        return F.normalize(self.output(self._pool(x, mask)).float(), dim=-1)

    def _pool(self, x: Tensor, mask: Tensor) -> Tensor:
        scores = self.attention(x).float().masked_fill(~mask.unsqueeze(-1), float("-inf"))
        weights = scores.softmax(dim=1)
        mean = (weights * x).sum(dim=1)
        variance = (weights * (x - mean.unsqueeze(1)) ** 2).sum(dim=1)
        return torch.cat([mean, variance.clamp_min(1e-5).sqrt()], dim=-1)
