"""Losses of the vocoder: spectral distances, and those of the adversarial game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.spectrum import Spectrum, magnitude

_FLOOR = 1e-3  # magnitudes below are as good as silence


class SpectralLoss(nn.Module):
    """Distance of magnitudes at several resolutions (Yamamoto et al. 2020, eq. 6).

    At each one the spectral convergence, which looks at the strong bins, plus the mean absolute
    difference of natural logarithms, which looks at the weak ones.

    Args:
        sizes: window lengths in samples; the hop is a quarter.
    """

    def __init__(self, sizes: Sequence[int] = (256, 512, 1024, 2048)) -> None:
        super().__init__()
        self.spectra = nn.ModuleList(Spectrum(size, size // 4) for size in sizes)

    def forward(self, generated: Tensor, recorded: Tensor) -> Tensor:
        """Compare samples (B, S); returns a scalar, the mean over resolutions."""
        losses = []
        for spectrum in self.spectra:
            ours = magnitude(spectrum(generated))
            with torch.no_grad():
                theirs = magnitude(spectrum(recorded))
            convergence = (ours - theirs).norm() / theirs.norm().clamp_min(_FLOOR)
            logs = ours.clamp_min(_FLOOR).log() - theirs.clamp_min(_FLOOR).log()
            losses.append(convergence + logs.abs().mean())
        return torch.stack(losses).mean()


class MelLoss(nn.Module):
    """Mean absolute difference of natural-log mels, summed over a mel and one of half its window.

    Args:
        mel: arguments of `MelSpectrogram`; None for its defaults.
    """

    def __init__(self, mel: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        own = MelSpectrogram(**(mel or {}))
        halves = {key: own.config[key] // 2 for key in ("n_fft", "hop_length", "n_mels")}
        self.mels = nn.ModuleList([own, MelSpectrogram(**{**own.config, **halves})])

    def forward(self, generated: Tensor, recorded: Tensor) -> Tensor:
        """Compare samples (B, S); returns a scalar."""
        losses = []
        for mel in self.mels:
            with torch.no_grad():
                target = mel(recorded)
            losses.append(F.l1_loss(mel(generated), target))
        return torch.stack(losses).sum()


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the discriminators, their mean: relu(1 - real) + relu(1 + fake)."""
    losses = [
        F.relu(1 - ours).mean() + F.relu(1 + theirs).mean()
        for ours, theirs in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean()


def generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the generator, the mean over discriminators: relu(1 - fake)."""
    return torch.stack([F.relu(1 - score).mean() for score in fake]).mean()


def feature_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of the discriminators' features, relative to the real ones' size.

    Args:
        real: for each discriminator, the features of its layers for the recordings.
        fake: likewise for what was generated.

    Returns:
        A scalar, the mean over layers and discriminators.
    """
    losses = []
    for ours, theirs in zip(real, fake, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            size = one.detach().abs().mean().clamp_min(1e-5)
            losses.append((one.detach() - other).abs().mean() / size)
    return torch.stack(losses).mean()
