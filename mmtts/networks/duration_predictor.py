"""Duration predictor: how many mel frames each phoneme lasts, given the style."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.transformer import ConvFeedForward


class DurationPredictor(nn.Module):
    """Two style-modulated convolutional layers that predict the log of the expected duration.

    Trained with the Poisson likelihood, whose optimum is the mean duration. (The optimum of the
    usual squared error on log durations is the geometric mean, which is shorter: speech comes out
    hurried.)

    Args:
        width: D of the hidden states.
        style_dim: width of the style z.
        dropout: dropout in the layers.
    """

    def __init__(self, width: int, style_dim: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.layers = nn.ModuleList(ConvFeedForward(width, width, 3, dropout) for _ in range(2))
        self.modulations = nn.ModuleList(nn.Linear(style_dim, 2 * width) for _ in range(2))
        self.output = nn.Linear(width, 1)
        nn.init.zeros_(self.output.weight)
        nn.init.constant_(self.output.bias, 1.5)  # exp(1.5) = 4.5 frames, a usual phoneme

    def forward(self, hidden: Tensor, mask: Tensor, z: Tensor) -> Tensor:
        """Predict log durations.

        Args:
            hidden: hidden states of the text encoder (B, N, D).
            mask: bool (B, N), True = valid.
            z: style (B, style_dim), unit norm.

        Returns:
            Natural log of the expected number of frames (B, N).
        """
        x, condition = hidden, z * z.shape[-1] ** 0.5
        for norm, layer, modulation in zip(self.norms, self.layers, self.modulations, strict=True):
            scale, shift = modulation(condition).unsqueeze(1).chunk(2, dim=-1)
            x = x + layer(norm(x) * (1 + scale) + shift, mask)
        return self.output(x).squeeze(-1).clamp(-3.0, 6.0)


def frames_from_durations(durations: Tensor, mask: Tensor) -> Tensor:
    """Round real durations to whole frames so that the rounding errors do not add up.

    Args:
        durations: frames, real (B, N).
        mask: bool (B, N), True = valid.

    Returns:
        int64 (B, N), at least 1 where valid, 0 elsewhere.
    """
    ends = torch.round(torch.cumsum(durations.double() * mask, dim=1)).long()
    frames = ends - F.pad(ends, (1, 0))[:, :-1]
    return torch.where(mask, frames.clamp_min(1), torch.zeros_like(frames))
