"""Discriminators: is this a recording, seen as spectra of several resolutions and as periods?

Small forms of those of HiFi-GAN (Kong et al. 2020) and UnivNet (Jang et al. 2021): on a processor
they, not the vocoder, take the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from mmtts.audio.spectrum import Spectrum, magnitude

_SLOPE = 0.1


class SpectrumDiscriminator(nn.Module):
    """Looks at the compressed magnitudes of one resolution as a picture.

    Args:
        n_fft: window length in samples; the hop is a quarter.
        width: channels.
    """

    def __init__(self, n_fft: int, width: int = 16) -> None:
        super().__init__()
        self.spectrum = Spectrum(n_fft, n_fft // 4)
        layers = [
            nn.Conv2d(1, width, (3, 9), stride=(1, 4), padding=(1, 4)),
            nn.Conv2d(width, width, (3, 5), stride=(1, 2), padding=(1, 2)),
            nn.Conv2d(width, 2 * width, (3, 5), stride=(2, 2), padding=(1, 2)),
            nn.Conv2d(2 * width, 2 * width, (3, 3), padding=(1, 1)),
        ]
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.output = weight_norm(nn.Conv2d(2 * width, 1, (3, 3), padding=(1, 1)))

    def forward(self, wav: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge samples (B, S); returns a map of scores (B, 1, ., .) and the layers' features."""
        return _run(self.layers, self.output, magnitude(self.spectrum(wav))[:, None] ** 0.3)


class PeriodDiscriminator(nn.Module):
    """Looks at every ``period``-th sample.

    Args:
        period: samples in a row of the folded signal.
        width: channels of the first layer.
    """

    def __init__(self, period: int, width: int = 8) -> None:
        super().__init__()
        self.period = period
        widths = [1, width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, (5, 1), stride=(3, 1), padding=(2, 0)))
            for before, after in pairwise(widths)
        )
        self.output = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, wav: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge samples (B, S); returns a map of scores (B, 1, ., period) and the features."""
        wav = F.pad(wav, (0, -wav.shape[1] % self.period))
        return _run(self.layers, self.output, wav.unflatten(1, (-1, self.period))[:, None])


def _run(layers: nn.ModuleList, output: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    features = []
    for layer in layers:
        x = F.leaky_relu(layer(x), _SLOPE)
        features.append(x)
    return output(x), features


class Discriminators(nn.Module):
    """Several discriminators side by side.

    Args:
        sizes: window lengths of the spectrum discriminators.
        periods: of the period discriminators.
        spectrum_width: channels of the former.
        period_width: first channels of the latter.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (1024, 512, 256),
        periods: Sequence[int] = (2, 5, 11),
        spectrum_width: int = 16,
        period_width: int = 8,
    ) -> None:
        super().__init__()
        self.config = {
            "sizes": list(sizes),
            "periods": list(periods),
            "spectrum_width": spectrum_width,
            "period_width": period_width,
        }
        self.members = nn.ModuleList(
            [
                *(SpectrumDiscriminator(size, spectrum_width) for size in sizes),
                *(PeriodDiscriminator(period, period_width) for period in periods),
            ]
        )

    def forward(self, wav: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Judge samples (B, S); returns each member's scores and each member's features."""
        judged = [member(wav) for member in self.members]
        return [scores for scores, _ in judged], [features for _, features in judged]
