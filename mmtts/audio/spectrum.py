"""Short-time Fourier transform and its inverse, channel-last and differentiable."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.functional import inverse_spectrogram, spectrogram

_TINY = 1e-12  # keeps the gradient of a root finite; far below the floor of the mel


class Spectrum(nn.Module):
    """The transform of centered frames under a Hann window.

    Frames are those of `mmtts.audio.mel.MelSpectrogram`: the clip is surrounded by zeros, and
    T = 1 + S // hop_length.

    Args:
        n_fft: window and transform length in samples.
        hop_length: in samples; at most a quarter of ``n_fft``.

    Raises:
        ValueError: the windows overlap too little to be added up again.
    """

    window: Tensor

    def __init__(self, n_fft: int, hop_length: int) -> None:
        super().__init__()
        if not 1 <= 4 * hop_length <= n_fft:
            raise ValueError(f"n_fft {n_fft} must be at least 4 times hop_length {hop_length}")
        self.settings: dict[str, Any] = {
            "pad": 0,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "win_length": n_fft,
            "normalized": False,
        }
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """Analyze samples (B, S); returns complex (B, T, n_fft // 2 + 1)."""
        options = {**self.settings, "power": None, "pad_mode": "constant"}
        return spectrogram(wav, window=self.window, **options).transpose(1, 2)

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Synthesize by weighted overlap-add.

        Args:
            spectrum: complex (B, T, n_fft // 2 + 1), T >= 2.

        Returns:
            Samples (B, (T - 1) * hop_length): of all signals, the one whose transform is nearest
            to ``spectrum`` (Griffin & Lim 1984, eq. 6).
        """
        length = (spectrum.shape[1] - 1) * self.settings["hop_length"]
        frames = spectrum.transpose(1, 2)
        return inverse_spectrogram(frames, length, window=self.window, **self.settings)


def magnitude(spectrum: Tensor) -> Tensor:
    """Absolute value of a complex tensor, with a finite gradient at zero."""
    return torch.view_as_real(spectrum).square().sum(-1).clamp_min(_TINY).sqrt()
