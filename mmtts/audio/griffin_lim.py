"""Griffin-Lim: from a log-mel to samples without any training.

Sources: Griffin & Lim 1984; the momentum is Perraudin, Balazs & Sondergaard 2013. The linear
magnitudes are the non-negative least squares solution, by the multiplicative updates of Lee & Seung
2001 from the clipped pseudo-inverse.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mmtts.audio.mel import mel_filters
from mmtts.audio.spectrum import Spectrum, unit_phase

_SMALLEST = 1e-9


class GriffinLim(nn.Module):
    """The baseline vocoder, and the fallback where none was trained. Called like `Vocoder`.

    Args:
        n_mels: M.
        sample_rate: in Hz.
        n_fft: window length in samples.
        hop_length: in samples.
        f_min: lower edge of the lowest mel band in Hz.
        f_max: upper edge of the highest mel band in Hz.
        iterations: of the phase.
        momentum: of the phase, in [0, 1); 0 is the slow algorithm of 1984.
        magnitude_iterations: of the non-negative least squares.
    """

    filters: Tensor
    pseudo_inverse: Tensor

    def __init__(
        self,
        n_mels: int = 80,
        sample_rate: int = 16000,
        n_fft: int = 1024,
        hop_length: int = 256,
        f_min: float = 0.0,
        f_max: float = 8000.0,
        iterations: int = 32,
        momentum: float = 0.99,
        magnitude_iterations: int = 30,
    ) -> None:
        super().__init__()
        self.config = {
            "n_mels": n_mels,
            "sample_rate": sample_rate,
            "n_fft": n_fft,
            "hop_length": hop_length,
            "f_min": f_min,
            "f_max": f_max,
            "iterations": iterations,
            "momentum": momentum,
            "magnitude_iterations": magnitude_iterations,
        }
        self.sample_rate, self.hop_length = sample_rate, hop_length
        self.iterations, self.momentum = iterations, momentum
        self.magnitude_iterations = magnitude_iterations
        self.spectrum = Spectrum(n_fft, hop_length)
        filters = torch.from_numpy(mel_filters(sample_rate, n_fft, n_mels, f_min, f_max))
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("pseudo_inverse", torch.linalg.pinv(filters), persistent=False)

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """Turn natural-log magnitude mels (B, T, M) into samples (B, (T - 1) * hop_length)."""
        magnitudes = self.magnitudes(mel)
        # Always the same phases to start from: the same mel gives the same samples.
        generator = torch.Generator().manual_seed(0)
        turns = torch.rand(magnitudes.shape[1:], generator=generator).to(magnitudes)
        phases = torch.polar(torch.ones_like(turns), turns * 2 * math.pi).expand(len(mel), -1, -1)
        before = torch.zeros_like(phases)
        for _ in range(self.iterations):
            rebuilt = self.spectrum(self.spectrum.inverse(magnitudes * phases))
            phases = unit_phase(rebuilt - before * (self.momentum / (1 + self.momentum)))
            before = rebuilt
        return self.spectrum.inverse(magnitudes * phases)

    def magnitudes(self, mel: Tensor) -> Tensor:
        """Linear magnitudes (B, T, n_fft // 2 + 1), not negative, whose mel is near ``mel``."""
        target = mel.float().exp()
        estimate = (target @ self.pseudo_inverse).clamp_min(_SMALLEST)
        wanted = target @ self.filters.T
        for _ in range(self.magnitude_iterations):
            reached = (estimate @ self.filters) @ self.filters.T
            estimate = estimate * (wanted / reached.clamp_min(_SMALLEST))
        return estimate
