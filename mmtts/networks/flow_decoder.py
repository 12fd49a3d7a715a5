"""Flow decoder: the velocity that carries noise to a mel, given the aligned prior and the style."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.transformer import transformer_blocks


def time_embedding(t: Tensor, width: int) -> Tensor:
    """Sines and cosines of the time t in [0, 1] (B,) at ``width / 2`` frequencies: (B, width)."""
    exponents = torch.arange(width // 2, device=t.device) / (width // 2)
    angles = 1000.0 * t[:, None] * torch.exp(-math.log(10_000.0) * exponents)[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class FlowDecoder(nn.Module):
    """Transformer over patches of mel frames, conditioned on time and style by adaptive layer norm.

    ``patch`` consecutive frames form one position, which divides the cost of every layer by
    ``patch``.

    Args:
        n_mels: M, mel bands.
        style_dim: width of the style z.
        width: D of the hidden states.
        layers: Transformer blocks.
        heads: attention heads.
        patch: mel frames per position.
        dropout: dropout in the blocks.
        widths: inner widths of the blocks when they are narrower than usual.
    """

    def __init__(
        self,
        n_mels: int,
        style_dim: int,
        width: int,
        layers: int,
        heads: int,
        patch: int,
        dropout: float,
        widths: list[list[int]] | None = None,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.width = width
        self.input = nn.Linear(2 * n_mels * patch, width)
        self.time = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.style = nn.Linear(style_dim, width)
        self.blocks = transformer_blocks(layers, width, heads, width, dropout, widths)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, n_mels * patch)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, x: Tensor, prior: Tensor, t: Tensor, z: Tensor, mask: Tensor) -> Tensor:
        """Velocity at (x, t).

        Args:
            x: point on the path (B, T, M).
            prior: mel prior laid out over frames (B, T, M).
            t: time in [0, 1] (B,).
            z: style (B, style_dim), unit norm.
            mask: bool (B, T), True = valid.

        Returns:
            Velocity (B, T, M), 0 at padding.
        """
        frames = x.shape[1]
        inputs = torch.cat([x, prior], dim=-1) * mask.unsqueeze(-1)
        padding = -frames % self.patch
        inputs = F.pad(inputs, (0, 0, 0, padding)).unflatten(1, (-1, self.patch)).flatten(2)
        patch_mask = F.pad(mask, (0, padding)).unflatten(1, (-1, self.patch)).any(dim=-1)
        condition = self.time(time_embedding(t, self.width)) + self.style(z * z.shape[-1] ** 0.5)
        hidden = self.input(inputs)
        for block in self.blocks:
            hidden = block(hidden, patch_mask, condition)
        scale, shift = self.modulation(F.silu(condition)).unsqueeze(1).chunk(2, dim=-1)
        velocity = self.output(self.norm(hidden) * (1 + scale) + shift)
        velocity = velocity.unflatten(-1, (self.patch, -1)).flatten(1, 2)[:, :frames]
        return velocity * mask.unsqueeze(-1)
