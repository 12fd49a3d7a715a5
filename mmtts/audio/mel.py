"""Mel spectrogram: samples into natural-log mel frames, channel-last."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

LOG_FLOOR = 1e-5


def _hertz_to_mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above."""
    linear = hertz * (3.0 / 200.0)
    return np.where(
        hertz < 1000.0, linear, 15.0 + np.log(np.maximum(hertz, 1e-9) / 1000.0) * 27.0 / np.log(6.4)
    )


def _mel_to_hertz(mel: np.ndarray) -> np.ndarray:
    """Inverse of `_hertz_to_mel`."""
    return np.where(
        mel < 15.0, mel * (200.0 / 3.0), 1000.0 * np.exp((mel - 15.0) * np.log(6.4) / 27.0)
    )


def mel_filters(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float
) -> np.ndarray:
    """Triangular filters of equal area on Slaney's mel scale, as librosa's default.

    Returns:
        float32 (n_fft // 2 + 1, n_mels).
    """
    bins = np.linspace(0.0, sample_rate / 2.0, n_fft // 2 + 1)
    ends = _hertz_to_mel(np.array([f_min, f_max], dtype=np.float64))
    edges = _mel_to_hertz(np.linspace(ends[0], ends[1], n_mels + 2))
    rising = (bins[:, None] - edges[None, :-2]) / np.diff(edges)[None, :-1]
    falling = (edges[None, 2:] - bins[:, None]) / np.diff(edges)[None, 1:]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    return (filters * (2.0 / (edges[2:] - edges[:-2]))).astype(np.float32)


class MelSpectrogram(nn.Module):
    """Natural logarithm of the magnitude mel spectrogram.

    Frames are centered and the clip is surrounded by zeros, so that the frames of a clip are the
    same whether it stands alone or in a batch padded with zeros.

    Args:
        sample_rate: in Hz.
        n_fft: window and transform length in samples.
        hop_length: in samples.
        n_mels: number of bands M.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz.
    """

    window: Tensor
    filters: Tensor

    def __init__(
        self,
        sample_rate: int = 16000,
        n_fft: int = 1024,
        hop_length: int = 256,
        n_mels: int = 80,
        f_min: float = 0.0,
        f_max: float = 8000.0,
    ) -> None:
        super().__init__()
        self.config = {
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "n_mels": n_mels,
            "f_min": f_min,
            "f_max": f_max,
        }
        self.n_fft, self.hop_length = n_fft, hop_length
        filters = torch.from_numpy(mel_filters(sample_rate, n_fft, n_mels, f_min, f_max))
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """Turn samples (B, S) into log mel frames (B, T, M), T = 1 + S // hop_length."""
        spectrum = torch.stft(
            wav,
            self.n_fft,
            self.hop_length,
            window=self.window,
            center=True,
            pad_mode="constant",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        # The floor keeps the gradient of the root finite and lies far below LOG_FLOOR.
        magnitude = power.clamp_min(1e-12).sqrt().transpose(1, 2)
        return (magnitude @ self.filters).clamp_min(LOG_FLOOR).log()
