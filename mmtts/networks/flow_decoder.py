"""Flow decoder: the velocity that carries noise to a mel, given the aligned prior and the style."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.patches import into_patches, out_of_patches
from mmtts.networks.transformer import transformer_blocks


def time_embedding(t: Tensor, width: int) -> Tensor:
    """Sines and cosines of the time t in [0, 1] (B,) at ``width / 2`` frequencies: (B, width)."""
    exponents = torch.arange(width // 2, device=t.device) / (width // 2)
    angles = 1000.0 * t[:, None] * torch.exp(-math.log(10_000.0) * exponents)[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class FlowDecoder(nn.Module):
    """Transformer over patches of mel frames, conditioned on time and style by adaptive layer norm.

    ``patch`` consecutive frames form one position.

    With a ``residual``, the network only learns what a Gaussian around the prior cannot know, as in
    Karras et al. 2022 (arXiv 2206.00364, section 5), here for straight paths: of data
    x_1 = mu + u, u ~ N(0, s^2), the velocity at x_t has the mean mu + k(t) r, r = x_t - t mu, and
    the standard deviation c(t), with n = (1 - t)^2 + t^2 s^2, k = (t s^2 - (1 - t)) / n and
    c = s / sqrt(n). The network sees r / sqrt(n) and gives the rest in units of c. Its last layer
    starts at zero, so an untrained decoder speaks the prior.

    Args:
        n_mels: M, mel bands.
        style_dim: width of the style z.
        width: D of the hidden states.
        layers: Transformer blocks.
        heads: attention heads.
        patch: mel frames per position.
        dropout: dropout in the blocks.
        widths: inner widths of the blocks when they are narrower than usual.
        residual: s, the standard deviation of mels around the prior; None for a network that gives
            the velocity itself.
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
        residual: float | None = None,
    ) -> None:
        super().__init__()
        self.patch = patch
        self.residual = residual
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
        if self.residual is None:
            return self.network(x, prior, t, z, mask)
        time, variance = t.view(-1, 1, 1), self.residual**2
        rest = x - time * prior
        spread = (1 - time) ** 2 + time**2 * variance
        pull = (time * variance - (1 - time)) / spread
        unknown = self.network(rest * spread.rsqrt(), prior, t, z, mask)
        velocity = prior + pull * rest + self.residual * spread.rsqrt() * unknown
        return velocity * mask.unsqueeze(-1)

    def network(self, x: Tensor, prior: Tensor, t: Tensor, z: Tensor, mask: Tensor) -> Tensor:
        """The blocks; arguments and result as in `forward`."""
        hidden, patch_mask = into_patches(torch.cat([x, prior], dim=-1), mask, self.patch)
        condition = self.time(time_embedding(t, self.width)) + self.style(z * z.shape[-1] ** 0.5)
        hidden = self.input(hidden)
        for block in self.blocks:
            hidden = block(hidden, patch_mask, condition)
        scale, shift = self.modulation(F.silu(condition)).unsqueeze(1).chunk(2, dim=-1)
        output = self.output(self.norm(hidden) * (1 + scale) + shift)
        return out_of_patches(output, mask, self.patch)
