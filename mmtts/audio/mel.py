"""Mel spectrogram: samples into natural-log mel frames, channel-last.

The arguments of `MelSpectrogram` describe a mel everywhere: `conf/mel` chooses them, data modules,
vocoders and model folders hand them on as plain values.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from mmtts.audio.spectrum import centered_frames

LOG_FLOOR = 1e-5


class MelSpectrogram(nn.Module):
    """Natural logarithm of the magnitude mel spectrogram.

    Frames are centered and the clip is surrounded by zeros, so that the frames of a clip are the
    same whether it stands alone or in a batch padded with zeros. The filters are triangles of equal
    area on Slaney's scale, as librosa's default.

    Args:
        sample_rate: in Hz.
        n_fft: window and transform length in samples.
        hop_length: in samples.
        n_mels: number of bands M.
        f_min: lower edge of the lowest band in Hz.
        f_max: upper edge of the highest band in Hz, at most half the sample rate.

    Attributes:
        config: the arguments by name.
        filters: float32 (n_fft // 2 + 1, M).

    Raises:
        ValueError: the highest band lies beyond half the sample rate.
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
        if not 0 <= f_min < f_max <= sample_rate / 2:
            raise ValueError(
                f"bands from {f_min:g} to {f_max:g} Hz need samples at {2 * f_max:g} Hz or more, "
                f"not {sample_rate}"
            )
        self.config: dict[str, Any] = {
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "n_mels": n_mels,
            "f_min": f_min,
            "f_max": f_max,
        }
        self.sample_rate, self.n_fft = sample_rate, n_fft
        self.hop_length, self.n_mels = hop_length, n_mels
        filters = melscale_fbanks(
            n_fft // 2 + 1, f_min, f_max, n_mels, sample_rate, norm="slaney", mel_scale="slaney"
        )
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self.register_buffer("filters", filters, persistent=False)

    @property
    def frames_per_second(self) -> float:
        """Frames per second of sound."""
        return self.sample_rate / self.hop_length

    def forward(self, wav: Tensor) -> Tensor:
        """Turn samples (B, S) into log mel frames (B, T, M), T = 1 + S // hop_length."""
        magnitude = centered_frames(wav, self.window, self.hop_length, power=1.0)
        return (magnitude @ self.filters).clamp_min(LOG_FLOOR).log()
