"""What excites the vocal tract: the pitch that a mel implies, and a pulse train of that pitch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmtts.audio.pitch import HIGHEST_PITCH, LOWEST_PITCH
from mmtts.networks.convnext import ConvNeXtBlock

_FADE = 0.02  # of the way from one number of harmonics to the next
PITCH_BINS = 160  # of equal ratio, about a quarter of a semitone


def pitch_position(pitch: Tensor) -> Tensor:
    """Place of a pitch in Hz on the scale of bins, a real number in [0, PITCH_BINS - 1]."""
    octaves = math.log2(HIGHEST_PITCH / LOWEST_PITCH)
    clipped = pitch.clamp(LOWEST_PITCH, HIGHEST_PITCH)
    return (clipped / LOWEST_PITCH).log2() * ((PITCH_BINS - 1) / octaves)


class PitchPredictor(nn.Module):
    """Reads the pitch off a mel, whose low bands resolve the harmonics.

    Args:
        n_mels: M.
        width: channels.
        layers: ConvNeXt blocks.
    """

    frequencies: Tensor

    def __init__(self, n_mels: int, width: int, layers: int = 3) -> None:
        super().__init__()
        self.embed = nn.Conv1d(n_mels, width, 5, padding=2)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(
            *(ConvNeXtBlock(width, 3 * width, 1 / layers) for _ in range(layers))
        )
        self.output = nn.Linear(width, PITCH_BINS + 1)
        octaves = torch.linspace(0.0, math.log2(HIGHEST_PITCH / LOWEST_PITCH), PITCH_BINS)
        self.register_buffer("frequencies", LOWEST_PITCH * 2.0**octaves, persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Score the pitches of normalized mels (B, T, M).

        Returns:
            Logits (B, T, PITCH_BINS + 1); the last one is whether the frame is voiced.
        """
        hidden = self.norm(self.embed(mel.transpose(1, 2)).transpose(1, 2))
        return self.output(self.blocks(hidden))

    def decode(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Take the mean of log pitch around the best bin (as CREPE does, Kim et al. 2018).

        Args:
            logits: (B, T, PITCH_BINS + 1).

        Returns:
            Pitch in Hz (B, T), also where there is no voice, and the probability of voice (B, T).
        """
        scores = logits[..., :-1]
        near = torch.arange(-4, 5, device=logits.device)
        bins = (scores.argmax(-1, keepdim=True) + near).clamp(0, PITCH_BINS - 1)
        # Rounding errors of the pitch would add up in the phase.
        weights = scores.gather(-1, bins).double().softmax(-1)
        pitch = (weights * self.frequencies[bins].double().log()).sum(-1).exp()
        return pitch.to(scores.dtype), logits[..., -1].sigmoid()


def pulse_train(
    pitch: Tensor, hop_length: int, sample_rate: int, start: Tensor | None = None
) -> Tensor:
    """Add up all harmonics below the Nyquist frequency, in cosine phase and with unit power.

    Args:
        pitch: Hz (B, T), at the centers of frames; in between it goes in straight lines.
        hop_length: samples between frames.
        sample_rate: in Hz.
        start: phase at the first sample, in cycles (B, 1); 0 when absent.

    Returns:
        Samples (B, (T - 1) * hop_length).
    """
    steps = (torch.arange(hop_length, device=pitch.device) + 0.5) / hop_length
    rise = pitch.diff(dim=1)[..., None] * steps
    instantaneous = (pitch[:, :-1, None] + rise).flatten(1)
    # Cycles grow into the thousands, and the highest harmonic multiplies their error by a hundred.
    cycles = (instantaneous.double() / sample_rate).cumsum(1)
    if start is not None:
        cycles = cycles + start.double()
    angle = ((cycles - cycles.round()) * (2 * math.pi)).to(pitch.dtype)
    room = 0.49 * sample_rate / instantaneous  # for that many harmonics
    # The highest one fades in: switched on at once, it would click, and a rounding error in the
    # pitch would decide at which sample.
    harmonics = room.floor() - 1
    highest = ((room - room.floor()) / _FADE).clamp_max(1.0)
    # sum of cos(k a) for k = 1..K, Dirichlet's kernel
    slope = (angle / 2).sin()
    at_pulse = slope.abs() < 1e-4
    kernel = ((harmonics + 0.5) * angle).sin() / torch.where(at_pulse, 1.0, slope)
    total = torch.where(at_pulse, harmonics, (kernel - 1) / 2)
    total = total + highest * ((harmonics + 1) * angle).cos()
    return total * (2 / (harmonics + highest.square())).sqrt()


class Noise(nn.Module):
    """White noise of unit power: fresh in training, always the same afterwards.

    Args:
        period: samples after which the fixed noise repeats; seconds of it are not noticed.
    """

    fixed: Tensor

    def __init__(self, period: int = 1 << 16) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("fixed", torch.randn(period, generator=generator), persistent=False)

    def forward(self, like: Tensor) -> Tensor:
        """Give noise of the shape (B, S) of ``like``; all rows share the fixed one."""
        if self.training:
            return torch.randn_like(like)
        places = torch.arange(like.shape[1], device=like.device) % len(self.fixed)
        return self.fixed[places].to(like).expand_as(like)
