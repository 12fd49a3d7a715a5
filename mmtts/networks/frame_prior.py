"""Frame prior: the mel to expect of every frame, given phoneme, place in it, pitch and style.

A phoneme's mel is not the same from its first frame to its last, and its harmonics lie where the
pitch puts them. A prior that knows both is speech already, if smooth; the flow decoder then only
adds what cannot be known.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmtts.networks.alignment import lay_out
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.melody import MELODY_FEATURES, Melody, MelodyPredictor
from mmtts.networks.patches import into_patches, out_of_patches
from mmtts.networks.plan import Plan
from mmtts.networks.transformer import transformer_blocks

PLACE_FEATURES = 8


def place_in_phoneme(durations: Tensor, path: Tensor) -> Tensor:
    """Tell each frame where in its phoneme it is, and how long that is.

    Args:
        durations: frames of each phoneme int64 (B, N).
        path: phoneme of each frame int64 (B, T).

    Returns:
        (B, T, PLACE_FEATURES), each about in [0, 4].
    """
    first = (durations.cumsum(1) - durations).gather(1, path)
    length = durations.gather(1, path).clamp_min(1).float()
    since = torch.arange(path.shape[1], device=path.device).unsqueeze(0) - first.float()
    share = ((since + 0.5) / length).clamp(0.0, 1.0)
    angle = math.pi * share
    return torch.stack(
        [
            share,
            1 - share,
            angle.sin(),
            angle.cos(),
            (2 * angle).sin(),
            length.log() / 2,
            (since / 4).clamp(0.0, 4.0),
            ((length - since - 1) / 4).clamp(0.0, 4.0),
        ],
        dim=-1,
    )


def with_contrast(prior: Tensor, mask: Tensor, contrast: float) -> Tensor:
    """Let a prior (B, T, M) depart more from its mean over the valid frames (mask (B, T))."""
    if contrast == 1:
        return prior
    weights = mask.unsqueeze(-1).to(prior.dtype)
    mean = (prior * weights).sum(dim=1, keepdim=True) / weights.sum(dim=1, keepdim=True)
    return (mean + contrast * (prior - mean)) * weights


class FramePrior(nn.Module):
    """Transformer over patches of frames that makes the prior of phonemes one of frames.

    It has the melody predictor with it, whose gradient stays there: what a phoneme is must not blur
    for the sake of its pitch.

    Args:
        n_mels: M, mel bands.
        style_dim: width of the style z.
        width: D of the hidden states, those of the text encoder too.
        layers: Transformer blocks.
        heads: attention heads.
        patch: frames per position.
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
        self.place = nn.Sequential(
            nn.Linear(PLACE_FEATURES, width // 4), nn.GELU(), nn.Linear(width // 4, width)
        )
        self.melody_predictor = MelodyPredictor(width + PLACE_FEATURES, style_dim, 3 * width // 4)
        self.melody = nn.Sequential(
            nn.Linear(MELODY_FEATURES, width), nn.GELU(), nn.Linear(width, width)
        )
        self.input = nn.Linear(patch * (width + n_mels), width)
        self.blocks = transformer_blocks(layers, width, heads, style_dim, dropout, widths)
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, n_mels * patch)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def expect_melody(self, plan: Plan, path: Tensor) -> Melody:
        """Predict how high the frames are spoken, with the logit of a voice for `voiced`."""
        place = place_in_phoneme(plan.durations, path)
        frames = torch.cat([lay_out(plan.hidden.detach(), path), place], dim=-1)
        return self.melody_predictor(frames, plan.z, _mask(plan, path))

    def forward(self, plan: Plan, path: Tensor, melody: Melody) -> Tensor:
        """Refine the prior.

        Args:
            plan: what is said when.
            path: phoneme of each frame int64 (B, T).
            melody: pitch and voice of the frames.

        Returns:
            Mel prior (B, T, M), in normalized mel units, 0 at padding.
        """
        mask = _mask(plan, path)
        prior, place = lay_out(plan.prior, path), place_in_phoneme(plan.durations, path)
        told = lay_out(plan.hidden, path) + self.place(place) + self.melody(melody.features())
        x, valid = into_patches(torch.cat([told, prior], dim=-1), mask, self.patch)
        condition = plan.z * plan.z.shape[-1] ** 0.5
        x = self.input(x)
        for block in self.blocks:
            x = block(x, valid, condition)
        change = out_of_patches(self.output(self.norm(x)), mask, self.patch)
        return prior * mask.unsqueeze(-1) + change


def _mask(plan: Plan, path: Tensor) -> Tensor:
    """Which frames are spoken, bool (B, T)."""
    return mask_from_lens(plan.durations.sum(dim=1), path.shape[1])
