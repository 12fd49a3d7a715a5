"""Pitch of a recording, frame by frame, by autocorrelation."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LOWEST_PITCH, HIGHEST_PITCH = 55.0, 600.0  # Hz; low men to high children
_WINDOW_SECONDS = 0.064
_SMOOTHING_RATE = 16000  # Hz; three samples of it averaged twice leave half of 2.5 kHz
_NEARLY_BEST = 0.06  # a shorter lag this near to the best peak is the period, the best a multiple
_VOICED_PEAK, _VOICED_LEVEL = 0.6, 3e-3
_STEADY = 0.15  # natural log of the pitch against its neighbors' median


@torch.no_grad()
def measure_pitch(wav: Tensor, hop_length: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Find the lag of the highest normalized autocorrelation in each frame.

    Args:
        wav: samples (B, S).
        hop_length: samples between the centers of frames; S is a multiple of it.
        sample_rate: in Hz.

    Returns:
        Pitch in Hz (B, T), T = 1 + S // hop_length, and whether the frame is voiced, bool (B, T).
        The pitch of an unvoiced frame means nothing.
    """
    # A period between two samples spoils the likeness of high harmonics: they are taken away.
    reach = max(1, round(sample_rate / _SMOOTHING_RATE))
    for _ in range(2):
        wav = F.avg_pool1d(wav, 2 * reach + 1, 1, reach)
    half = round(_WINDOW_SECONDS * sample_rate / 2)
    frames = F.pad(wav, (half, half)).unfold(-1, 2 * half, hop_length)
    frames = frames - frames.mean(-1, keepdim=True)
    shortest, longest = int(sample_rate / HIGHEST_PITCH), int(sample_rate / LOWEST_PITCH) + 2
    likeness = _autocorrelation(frames, shortest - 1, longest + 1)
    peaks = likeness[..., 1:-1]
    is_peak = (peaks >= likeness[..., :-2]) & (peaks >= likeness[..., 2:])
    peaks = torch.where(is_peak, peaks, -1.0)
    best = peaks.amax(-1, keepdim=True)
    index = (peaks > best - _NEARLY_BEST).float().argmax(-1, keepdim=True)
    before, here, after = (likeness.gather(-1, index + k).squeeze(-1) for k in range(3))
    bend = (before - 2 * here + after).clamp_max(-1e-6)
    offset = ((before - after) / (2 * bend)).clamp(-0.5, 0.5)  # the top of a parabola
    pitch = sample_rate / (index.squeeze(-1) + shortest + offset)
    padded = F.pad(pitch, (1, 1), mode="replicate")
    typical = padded.unfold(-1, 3, 1).median(-1).values
    level = frames.square().mean(-1).sqrt()
    steady = (pitch / typical).log().abs() < _STEADY
    return pitch, (here > _VOICED_PEAK) & (level > _VOICED_LEVEL) & steady


def _autocorrelation(frames: Tensor, first: int, last: int) -> Tensor:
    """Correlate frames (..., N) with themselves at lags [first, last], normalized to [-1, 1]."""
    length = frames.shape[-1]
    power = torch.fft.rfft(frames, 2 * length).abs().square()
    raw = torch.fft.irfft(power)[..., first : last + 1]
    energy = F.pad(frames.square().cumsum(-1), (1, 0))
    lags = torch.arange(first, last + 1, device=frames.device)
    head, tail = energy[..., length - lags], energy[..., -1:] - energy[..., lags]
    return raw / (head * tail + 1e-6).sqrt()
