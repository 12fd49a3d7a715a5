"""Griffin-Lim: from a log-mel to samples without any training.

The phase is torchaudio's (Griffin & Lim 1984; the momentum is Perraudin, Balazs & Sondergaard
2013). The linear magnitudes are ours: torchaudio's least squares clips what comes out negative,
which costs 0.2 of PESQ; these are the non-negative solution, by the multiplicative updates of Lee &
Seung 2001 from the clipped pseudo-inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchaudio.functional import griffinlim

from mmtts.audio.mel import MelSpectrogram

_SMALLEST = 1e-9


class GriffinLim(nn.Module):
    """The baseline vocoder, and the fallback where none was trained. Called like `Vocoder`.

    Args:
        mel: arguments of `MelSpectrogram`; None for its defaults.
        iterations: of the phase.
        momentum: of the phase, in [0, 1); 0 is the slow algorithm of 1984.
        magnitude_iterations: of the non-negative least squares.
    """

    filters: Tensor
    pseudo_inverse: Tensor
    window: Tensor

    def __init__(
        self,
        mel: Mapping[str, Any] | None = None,
        iterations: int = 32,
        momentum: float = 0.99,
        magnitude_iterations: int = 30,
    ) -> None:
        super().__init__()
        analysis = MelSpectrogram(**(mel or {}))
        self.mel = analysis.config
        self.iterations, self.momentum = iterations, momentum
        self.magnitude_iterations = magnitude_iterations
        self.register_buffer("window", analysis.window, persistent=False)
        self.register_buffer("filters", analysis.filters, persistent=False)
        inverse = torch.linalg.pinv(analysis.filters)
        self.register_buffer("pseudo_inverse", inverse, persistent=False)

    @torch.no_grad()
    def forward(self, mel: Tensor) -> Tensor:
        """Turn natural-log magnitude mels (B, T, M) into samples (B, (T - 1) * hop_length)."""
        # Silence behind the end: torchaudio reflects the ends, which must be longer than a window.
        length = (mel.shape[1] - 1) * self.mel["hop_length"]
        behind = -(-self.mel["n_fft"] // self.mel["hop_length"])
        return griffinlim(
            F.pad(self.magnitudes(mel), (0, 0, 0, behind)).transpose(1, 2),
            window=self.window,
            n_fft=self.mel["n_fft"],
            hop_length=self.mel["hop_length"],
            win_length=self.mel["n_fft"],
            power=1.0,
            n_iter=self.iterations,
            momentum=self.momentum,
            length=None,
            rand_init=False,  # the same mel gives the same samples
        )[:, :length]

    def magnitudes(self, mel: Tensor) -> Tensor:
        """Linear magnitudes (B, T, n_fft // 2 + 1), not negative, whose mel is near ``mel``."""
        target = mel.float().exp()
        estimate = (target @ self.pseudo_inverse).clamp_min(_SMALLEST)
        wanted = target @ self.filters.T
        for _ in range(self.magnitude_iterations):
            reached = (estimate @ self.filters) @ self.filters.T
            estimate = estimate * (wanted / reached.clamp_min(_SMALLEST))
        return estimate
