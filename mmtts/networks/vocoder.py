"""The vocoder: pulses and noise, filtered in the short-time spectrum at the frame rate.

The backbone is that of Vocos (Siuzdak 2023, arXiv 2306.00814): ConvNeXt blocks at the frame rate
and an inverse short-time Fourier transform, which is why it is cheap. A phase is hard to learn,
though: it turns by hundreds of cycles between the beginning and the end of a clip, and a
convolution sees a dozen frames. So the phase comes from outside: the mel gives the pitch, a pulse
train of that pitch advances the phases of all harmonics (as in neural source-filter models, Wang et
al. 2019, and neural homomorphic vocoders, Liu et al. 2020), and the network only shapes the pulses
and a noise by filters that change slowly. What it leaves of the mel's error is taken away by
`refine`: scaling every frame by what its mel lacks, and making the frames consistent again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts.audio.mel import LOG_FLOOR, MelSpectrogram
from mmtts.audio.spectrum import Spectrum, magnitude, polar, scale
from mmtts.networks.convnext import ConvNeXtBlock
from mmtts.networks.excitation import Noise, PitchPredictor, pulse_train

_HIGHEST_GAIN = 5.0  # natural log; the spectrum of a full-scale clip stays below it
_CORRECTION = 1.5  # over-relaxation: fewer refinements; at 2 they no longer converge
_LARGEST_CORRECTION = 2.0  # natural log, per refinement
_PHASE_SPEED = 5.0  # phases leave 0 as fast as gains do


class Excitation(NamedTuple):
    """What excites the vocal tract, before it is filtered."""

    pulses: Tensor  # samples (B, (T - 1) * hop_length)
    noise: Tensor  # samples, as many
    pitch: Tensor  # Hz (B, T), also where there is no voice
    voiced: Tensor  # probability of voice (B, T)


class Vocoder(nn.Module):
    """From a natural-log magnitude mel to samples.

    Args:
        mel: arguments of `MelSpectrogram`; None for its defaults.
        width: channels of the backbone.
        hidden: channels inside its blocks.
        layers: number of blocks.
        pitch_width: channels of the pitch predictor.
        refinements: rounds of `refine` in `forward`.
    """

    filters: Tensor
    spread: Tensor
    noise_level: Tensor

    def __init__(
        self,
        mel: Mapping[str, Any] | None = None,
        width: int = 256,
        hidden: int = 512,
        layers: int = 6,
        pitch_width: int = 96,
        refinements: int = 4,
    ) -> None:
        super().__init__()
        analysis = MelSpectrogram(**(mel or {}))
        self.config: dict[str, Any] = {
            "mel": analysis.config,
            "width": width,
            "hidden": hidden,
            "layers": layers,
            "pitch_width": pitch_width,
            "refinements": refinements,
        }
        self.sample_rate, self.hop_length = analysis.sample_rate, analysis.hop_length
        self.refinements = refinements
        self.spectrum = Spectrum(analysis.n_fft, analysis.hop_length)
        self.noise = Noise()
        self.pitch_predictor = PitchPredictor(analysis.n_mels, pitch_width)
        self.embed = nn.Conv1d(2 * analysis.n_mels + 2, width, 7, padding=3)
        self.embed_norm = nn.LayerNorm(width)
        self.blocks = nn.Sequential(
            *(ConvNeXtBlock(width, hidden, 1 / layers) for _ in range(layers))
        )
        self.output_norm = nn.LayerNorm(width)
        n_bins = analysis.n_fft // 2 + 1
        self.output = nn.Linear(width, 3 * n_bins)
        with torch.no_grad():  # starts as a plain source-filter vocoder, pulses above noise
            self.output.weight.mul_(0.2)
            self.output.bias.zero_()
            self.output.bias[n_bins : 2 * n_bins] = -1.0
        self._set_filters(analysis.filters)

    def _set_filters(self, filters: Tensor) -> None:
        """Keep the mel filters, the way back from bands to bins, and the mel of white noise."""
        weights = filters.T / filters.sum(1).clamp_min(1e-8)
        reached = filters.sum(1).nonzero().flatten()
        weights[:, : reached[0]] = weights[:, reached[0] : reached[0] + 1]
        weights[:, reached[-1] + 1 :] = weights[:, reached[-1] : reached[-1] + 1]
        # The magnitude of a bin of white noise is Rayleigh distributed.
        mean = self.spectrum.window.square().sum().sqrt() * math.sqrt(math.pi / 4)
        self.register_buffer("filters", filters, persistent=False)
        self.register_buffer("spread", weights.contiguous(), persistent=False)
        self.register_buffer("noise_level", (filters.sum(0) * mean).log(), persistent=False)

    def forward(self, mel: Tensor) -> Tensor:
        """Turn mels into samples; the same mel always gives the same samples in evaluation mode.

        Args:
            mel: natural-log magnitude mel (B, T, M), T >= 2.

        Returns:
            Samples (B, (T - 1) * hop_length), about in [-1, 1].
        """
        return self.synthesize(mel, self.refinements)[0]

    def synthesize(self, mel: Tensor, refinements: int) -> tuple[Tensor, Tensor]:
        """As `forward`; gives the pitch logits (B, T, PITCH_BINS + 1) too, to train them."""
        mel = mel.float()
        logits = self.pitch_logits(mel)
        # Outside the networks, half precision would be heard.
        with torch.autocast(mel.device.type, enabled=False):
            source = self.excite(logits.float())
            pulses, noise = self.spectrum(source.pulses), self.spectrum(source.noise)
        spectrum = self.shape(mel, pulses, noise, source.pitch, source.voiced)
        with torch.autocast(mel.device.type, enabled=False):
            for _ in range(refinements):
                spectrum = self.refine(spectrum, mel)
            return self.spectrum.inverse(spectrum), logits.float()

    def pitch_logits(self, mel: Tensor) -> Tensor:
        """Score the pitches of natural-log mels (B, T, M): (B, T, PITCH_BINS + 1)."""
        return self.pitch_predictor(_normalize(mel))

    @torch.no_grad()
    def excite(self, logits: Tensor) -> Excitation:
        """Make pulses of the decoded pitch, and noise; no gradient goes through a pitch."""
        pitch, voiced = self.pitch_predictor.decode(logits)
        start = torch.rand(len(logits), 1, device=logits.device) if self.training else None
        pulses = pulse_train(pitch, self.hop_length, self.sample_rate, start)
        return Excitation(pulses, self.noise(pulses), pitch, voiced)

    def shape(
        self, mel: Tensor, pulses: Tensor, noise: Tensor, pitch: Tensor, voiced: Tensor
    ) -> Tensor:
        """Filter both sources by what the backbone reads off the mel, and add them.

        Args:
            mel: natural-log mel (B, T, M).
            pulses: spectrum, complex (B, T, bins).
            noise: spectrum, complex (B, T, bins).
            pitch: Hz (B, T).
            voiced: probability of voice (B, T).

        Returns:
            Spectrum, complex (B, T, bins).
        """
        with torch.autocast(mel.device.type, enabled=False):
            pulse_mel = self._mel(pulses)
            columns = [_normalize(mel), pulse_mel / 3, 2 * voiced[..., None] - 1]
            features = torch.cat([*columns, pitch[..., None].log() - 5], dim=-1)
        hidden = self.embed(features.transpose(1, 2)).transpose(1, 2)
        hidden = self.output_norm(self.blocks(self.embed_norm(hidden)))
        filters = self.output(hidden)
        with torch.autocast(mel.device.type, enabled=False):
            pulse_gain, noise_gain, phase = filters.float().chunk(3, dim=-1)
            # Gains are relative to those that would give each source alone the wanted mel.
            pulse_gain = (pulse_gain + (mel - pulse_mel) @ self.spread).clamp_max(_HIGHEST_GAIN)
            noise_gain = (noise_gain + (mel - self.noise_level) @ self.spread).clamp_max(
                _HIGHEST_GAIN
            )
            pulse_filter = polar(pulse_gain.exp(), phase * _PHASE_SPEED)
            return pulse_filter * pulses + scale(noise, noise_gain.exp())

    def refine(self, spectrum: Tensor, mel: Tensor) -> Tensor:
        """Make the frames consistent, then scale their bins by what the mel still lacks.

        Like a round of Griffin-Lim, but the magnitudes that it holds on to are those of the mel,
        so the detail within a band stays what the source made it.
        """
        return self.correct(self.spectrum(self.spectrum.inverse(spectrum)), mel)

    def correct(self, spectrum: Tensor, mel: Tensor) -> Tensor:
        """Scale the bins of a spectrum (B, T, bins) by what its mel lacks."""
        lacking = _CORRECTION * (mel - self._mel(spectrum)) @ self.spread
        gain = lacking.clamp(-_LARGEST_CORRECTION, _LARGEST_CORRECTION).exp()
        return scale(spectrum, gain)

    def _mel(self, spectrum: Tensor) -> Tensor:
        return (magnitude(spectrum) @ self.filters).clamp_min(LOG_FLOOR).log()


def _normalize(mel: Tensor) -> Tensor:
    """Bring natural-log mels of speech to about zero mean and unit variance."""
    return (mel + 5.0) / 3.0
