"""Melody: how high each frame is spoken, predicted from what is said and in which style.

Of all that a text leaves open, the pitch decides most about a mel: where every harmonic lies. A
prior that is told the pitch is nearly sharp, one that is not blurs all voiced frames. (Pitch as a
condition of the mel: Ren et al. 2021, FastSpeech 2, arXiv 2006.04558.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmtts.networks.convnext import ConvNeXtBlock

_CENTER, SPREAD = 5.1, 0.35  # natural log of Hz: 164 Hz, and a third of an octave up or down
_OCTAVES = 7  # of the sines and cosines that tell a pitch


class Melody(NamedTuple):
    """Pitch of every frame.

    Attributes:
        log_pitch: natural log of Hz (B, T); it means nothing where there is no voice.
        voiced: 1 where there is a voice, else 0 (B, T).
    """

    log_pitch: Tensor
    voiced: Tensor

    def features(self) -> Tensor:
        """Tell it to a network (B, T, MELODY_FEATURES): 0 where there is no voice."""
        height = (self.log_pitch - _CENTER).unsqueeze(-1)
        angles = height * (math.pi * 2.0 ** torch.arange(_OCTAVES, device=height.device))
        one = torch.ones_like(height)
        told = torch.cat([angles.sin(), angles.cos(), height, one], dim=-1)
        return told * self.voiced.unsqueeze(-1)

    def higher(self, semitones: float | Tensor) -> Melody:
        """The same melody, so many semitones higher; a number, or of each frame (B, T)."""
        return self._replace(log_pitch=self.log_pitch + semitones * (math.log(2.0) / 12))

    def decided(self) -> Melody:
        """Of a melody whose `voiced` are logits: 1 where a voice is likelier than not."""
        return self._replace(voiced=(self.voiced > 0).to(self.voiced.dtype))


MELODY_FEATURES = 2 * _OCTAVES + 2


def melody_of(pitch: Tensor) -> Melody:
    """The melody of measured pitches in Hz (B, T), 0 where there is no voice."""
    return Melody(pitch.clamp_min(1.0).log(), (pitch > 0).to(pitch.dtype))


class MelodyPredictor(nn.Module):
    """Convolutions over frames that know their phoneme, their place in it and the style.

    Args:
        features: F, of the frames.
        style_dim: width of the style z.
        width: channels.
        layers: ConvNeXt blocks.
    """

    def __init__(self, features: int, style_dim: int, width: int, layers: int = 4) -> None:
        super().__init__()
        self.input = nn.Linear(features, width)
        self.style = nn.Linear(style_dim, width)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, 2 * width, 1 / layers) for _ in range(layers)
        )
        self.output = nn.Linear(width, 2)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, frames: Tensor, z: Tensor, mask: Tensor) -> Melody:
        """Predict pitch and voice.

        Args:
            frames: (B, T, F).
            z: style (B, style_dim), unit norm.
            mask: bool (B, T), True = valid.

        Returns:
            The mean of the log pitch, and the logit of a voice in place of `voiced`.
        """
        x = self.input(frames) + self.style(z * z.shape[-1] ** 0.5).unsqueeze(1)
        for block in self.blocks:
            x = block(x * mask.unsqueeze(-1))
        height, voice = self.output(x).unbind(-1)
        return Melody(_CENTER + SPREAD * height, voice)
