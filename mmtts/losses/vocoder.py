"""Losses of the vocoder: spectral distances, and those of the adversarial game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.spectrum import Spectrum, magnitude
from mmtts.losses.gathering import global_mean, global_norm

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
        norms, logs = [], []
        for spectrum in self.spectra:
            ours = magnitude(spectrum(generated))
            with torch.no_grad():
                theirs = magnitude(spectrum(recorded))
            norms.append(torch.stack([(ours - theirs).norm(), theirs.norm()]))
            apart = ours.clamp_min(_FLOOR).log() - theirs.clamp_min(_FLOOR).log()
            logs.append(apart.abs().mean())
        off, whole = global_norm(torch.stack(norms)).unbind(1)
        convergence = off / whole.clamp_min(_FLOOR)
        return (convergence + global_mean(torch.stack(logs), len(generated))).mean()


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
        return global_mean(torch.stack(losses).sum(), len(generated))


def discriminator_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the discriminators, their mean: relu(1 - real) + relu(1 + fake)."""
    losses = [
        F.relu(1 - ours).mean() + F.relu(1 + theirs).mean()
        for ours, theirs in zip(real, fake, strict=True)
    ]
    return global_mean(torch.stack(losses).mean(), len(real[0]))


def generator_loss(fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the generator, the mean over discriminators: relu(1 - fake)."""
    mean = torch.stack([F.relu(1 - score).mean() for score in fake]).mean()
    return global_mean(mean, len(fake[0]))


def feature_loss(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute difference of the discriminators' features, relative to the real ones' size.

    Args:
        real: for each discriminator, the features of its layers for the recordings.
        fake: likewise for what was generated.

    Returns:
        A scalar, the mean over layers and discriminators.
    """
    sizes, distances = [], []
    for ours, theirs in zip(real, fake, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            sizes.append(one.detach().abs().mean())
            distances.append((one.detach() - other).abs().mean())
    means = torch.stack([torch.stack(distances), torch.stack(sizes)])
    apart, size = global_mean(means, len(real[0][0]))
    return (apart / size.clamp_min(1e-5)).mean()
