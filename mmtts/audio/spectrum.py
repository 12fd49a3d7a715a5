"""Short-time Fourier transform and its inverse, channel-last and differentiable."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchaudio.functional import spectrogram

_TINY = 1e-12  # keeps the gradient of a root finite; far below the floor of the mel


def centered_frames(
    wav: Tensor, window: Tensor, hop_length: int, power: float | None = None
) -> Tensor:
    """Transform centered frames of a clip surrounded by zeros.

    Args:
        wav: samples (B, S).
        window: (n_fft,).
        hop_length: in samples.
        power: of the magnitude; None for the complex transform.

    Returns:
        (B, T, n_fft // 2 + 1), T = 1 + S // hop_length.
    """
    return spectrogram(
        wav,
        pad=0,
        window=window,
        n_fft=len(window),
        hop_length=hop_length,
        win_length=len(window),
        power=power,
        normalized=False,
        pad_mode="constant",
    ).transpose(1, 2)


class Spectrum(nn.Module):
    """The transform of centered frames under a Hann window.

    The analysis is torchaudio's. The synthesis is ours: on one thread torch's takes three times as
    long for a clip of 5 s, and the vocoder needs five of them.

    Args:
        n_fft: window and transform length in samples, a multiple of ``2 * hop_length``.
        hop_length: in samples; at most a quarter of ``n_fft``.

    Raises:
        ValueError: the window is no multiple of twice the hop, or shorter than four hops.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int) -> None:
        super().__init__()
        if hop_length < 1 or n_fft % (2 * hop_length) or n_fft < 4 * hop_length:
            raise ValueError(
                f"n_fft {n_fft} must be a multiple of 2 * hop_length {hop_length}, at least 4 times"
            )
        self.n_fft, self.hop_length = n_fft, hop_length
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """Analyze samples (B, S); returns complex (B, T, n_fft // 2 + 1)."""
        return centered_frames(wav, self.window, self.hop_length)

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Synthesize by weighted overlap-add.

        Args:
            spectrum: complex (B, T, n_fft // 2 + 1), T >= 2.

        Returns:
            Samples (B, (T - 1) * hop_length): of all signals, the one whose transform is nearest
            to ``spectrum`` (Griffin & Lim 1984, eq. 6).
        """
        frames = torch.fft.irfft(spectrum, self.n_fft, dim=-1) * self.window
        envelope = self.window.square().expand(1, spectrum.shape[1], -1)
        return self._overlap_add(frames) / self._overlap_add(envelope)

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Add frames (B, T, n_fft), each a hop later, and cut the half windows at both ends."""
        n_frames, overlaps = frames.shape[1], self.n_fft // self.hop_length
        parts = frames.unflatten(-1, (overlaps, self.hop_length))
        total = F.pad(parts[:, :, 0], (0, 0, 0, overlaps - 1))
        for part in range(1, overlaps):
            total[:, part : part + n_frames] += parts[:, :, part]
        half = overlaps // 2
        return total[:, half : half + n_frames - 1].flatten(1)


def magnitude(spectrum: Tensor) -> Tensor:
    """Absolute value of a complex tensor, with a finite gradient at zero."""
    power = torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)
    return power.clamp_min(_TINY).sqrt()


def scale(spectrum: Tensor, gain: Tensor) -> Tensor:
    """Multiply a complex tensor by a real one of its shape, without making that complex first."""
    return torch.complex(spectrum.real * gain, spectrum.imag * gain)


def polar(gain: Tensor, angle: Tensor) -> Tensor:
    """Complex numbers of a modulus and an angle, in a quarter of the time of `torch.polar`."""
    return torch.complex(gain * angle.cos(), gain * angle.sin())
