"""Stage-1 acoustic model: phonemes and a style z become a mel; a clip becomes its z."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.alignment import (
    durations_from_path,
    log_likelihood,
    path_from_durations,
    restrict_to_windows,
    search_alignment,
)
from mmtts.networks.duration_predictor import DurationPredictor, frames_from_durations
from mmtts.networks.flow_decoder import FlowDecoder
from mmtts.networks.flow_solver import integrate
from mmtts.networks.guidance import guided
from mmtts.networks.int8_linear import quantize
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.style_encoder import StyleEncoder
from mmtts.networks.text_encoder import TextEncoder

TEMPERATURE = 0.667  # standard deviation of the noise that speech starts from


class Alignment(NamedTuple):
    """Phonemes laid over frames."""

    path: Tensor  # phoneme of each frame int64 (B, T)
    durations: Tensor  # frames of each phoneme int64 (B, N)


class SynthesizedMel(NamedTuple):
    """What the acoustic model speaks."""

    mel: Tensor  # natural-log mel (B, T, M)
    mel_lens: Tensor  # int64 (B,)
    durations: Tensor  # frames of each phoneme int64 (B, N)


class AcousticModel(nn.Module):
    """Text encoder, duration predictor, style encoder and flow decoder around one style space.

    Args:
        n_symbols: size of the phoneme inventory.
        n_mels: M, mel bands.
        style_dim: width of z.
        manner_dim: how many of these tell how someone speaks; the others tell who.
        speaker: who tells who speaks: "learned", or a frozen speaker encoder such as "ge2e".
        speaker_config: arguments of the frozen speaker encoder; where its weights came from matters
            once, at training, and is no part of `config`.
        width: D of text encoder and flow decoder.
        encoder_layers: Transformer blocks of the text encoder.
        decoder_layers: Transformer blocks of the flow decoder.
        heads: attention heads in both.
        patch: mel frames per position of the flow decoder.
        style_width: width of the style encoder.
        style_layers: residual layers of the style encoder.
        dropout: dropout in all parts.
        encoder_widths: inner widths of the text encoder's blocks when they were compressed.
        decoder_widths: the same of the flow decoder's blocks.
        accents: kinds of speech that the model tells apart, such as "native" and "learner"; it
            speaks the first one unless told otherwise.
        int8: whether text encoder and decoder have weights of 8 bits.
    """

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(
        self,
        n_symbols: int,
        n_mels: int = 80,
        style_dim: int = 256,
        manner_dim: int = 0,
        speaker: str = "learned",
        speaker_config: Mapping[str, Any] | None = None,
        width: int = 256,
        encoder_layers: int = 4,
        decoder_layers: int = 6,
        heads: int = 4,
        patch: int = 2,
        style_width: int = 256,
        style_layers: int = 3,
        dropout: float = 0.1,
        encoder_widths: list[list[int]] | None = None,
        decoder_widths: list[list[int]] | None = None,
        accents: Sequence[str] = (),
        int8: bool = False,
    ) -> None:
        given = dict(locals())
        super().__init__()
        left_out = ("self", "__class__", "speaker_config")
        self.config: dict[str, Any] = {k: v for k, v in given.items() if k not in left_out}
        self.config["accents"] = list(accents)
        self.text_encoder = TextEncoder(
            n_symbols, n_mels, style_dim, width, encoder_layers, heads, dropout, encoder_widths
        )
        self.duration_predictor = DurationPredictor(width, style_dim, dropout)
        style = (n_mels, style_dim, manner_dim, speaker, style_width, style_layers, dropout)
        self.style_encoder = StyleEncoder(*style, speaker_config)
        self.config["speaker_config"] = self.style_encoder.speaker_config
        self.decoder = FlowDecoder(
            n_mels, style_dim, width, decoder_layers, heads, patch, dropout / 2, decoder_widths
        )
        # An accent moves z within the acoustic model; it is no part of a voice.
        self.accent = nn.Embedding(len(accents), style_dim) if accents else None
        if self.accent is not None:
            nn.init.zeros_(self.accent.weight)
        self.null_style = nn.Parameter(torch.randn(style_dim) * style_dim**-0.5)
        self.register_buffer("mel_mean", torch.zeros(n_mels))
        self.register_buffer("mel_std", torch.ones(n_mels))
        if int8:
            self.quantize()

    def quantize(self) -> None:
        """Round the matrices of text encoder and decoder to 8 bits, in place."""
        self.config["int8"] = True
        quantize(self.text_encoder)
        quantize(self.decoder)

    def set_statistics(
        self, mel_mean: Tensor, mel_std: Tensor, voice_mean: Tensor | None = None
    ) -> None:
        """Take over mean and standard deviation (M,) of the training mels.

        And the mean (S,) of what a frozen speaker encoder says about the training clips.
        """
        self.mel_mean.copy_(mel_mean)
        self.mel_std.copy_(mel_std)
        if voice_mean is not None:
            self.style_encoder.voice_mean.copy_(voice_mean)

    def normalize(self, mel: Tensor) -> Tensor:
        """Natural-log mel (B, T, M) to zero mean and unit spread per band."""
        return (mel - self.mel_mean) / self.mel_std

    def denormalize(self, mel: Tensor) -> Tensor:
        """Inverse of :meth:`normalize`."""
        return mel * self.mel_std + self.mel_mean

    def encode_style(self, mel: Tensor, mel_lens: Tensor, voice: Tensor | None = None) -> Tensor:
        """Style of clips.

        Args:
            mel: natural-log mel (B, T, M).
            mel_lens: int64 (B,).
            voice: the frozen speaker encoder's vectors of the clips (B, S), where there is one.

        Returns:
            z (B, style_dim), unit norm.
        """
        return self.style_encoder(self.normalize(mel), mel_lens, voice)

    def accent_index(self, name: str | None) -> int:
        """Which of the accents bears a name; the first one for None.

        Raises:
            InputError: the model does not know it.
        """
        known: list[str] = self.config["accents"]
        if name is None:
            return 0
        if name not in known:
            heard = ", ".join(known) or "none"
            raise InputError(f"the model knows no accent {name!r}; it knows {heard}")
        return known.index(name)

    def accented(self, z: Tensor, accent: Tensor) -> Tensor:
        """Move styles z (B, style_dim) by accents, int64 (B,); -1 leaves a style where it is."""
        if self.accent is None:
            return z
        return z + self.accent(accent.clamp_min(0)) * (accent >= 0).unsqueeze(-1)

    def align(
        self,
        mel: Tensor,
        mel_lens: Tensor,
        prior: Tensor,
        phoneme_lens: Tensor,
        windows: tuple[Tensor, Tensor] | None = None,
    ) -> Alignment:
        """Lay phonemes over the frames of a real mel.

        Args:
            mel: normalized mel (B, T, M).
            mel_lens: int64 (B,).
            prior: mel prior of the phonemes (B, N, M).
            phoneme_lens: int64 (B,).
            windows: first and one-past-last allowed frame of each phoneme, int64 (B, N) each.
        """
        scores = log_likelihood(mel.float(), prior.detach().float())
        if windows is not None:
            scores = restrict_to_windows(scores, *windows)
        path = search_alignment(scores, phoneme_lens, mel_lens)
        return Alignment(path, durations_from_path(path, mel_lens, prior.shape[1]))

    @torch.no_grad()
    def synthesize(
        self,
        phonemes: Tensor,
        phoneme_lens: Tensor,
        z: Tensor,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        temperature: float = TEMPERATURE,
        accent: int = 0,
        generator: torch.Generator | None = None,
        limit: Callable[[Tensor], Tensor] | None = None,
    ) -> SynthesizedMel:
        """Speak phonemes in the style z.

        Args:
            phonemes: int64 (B, N).
            phoneme_lens: int64 (B,).
            z: style (B, style_dim), unit norm.
            steps: steps of the decoder, at least 1.
            guidance: classifier-free guidance weight; 1 follows z as trained, more exaggerates it.
            pace: speaking rate relative to the predicted one, > 0.
            temperature: standard deviation of the starting noise.
            accent: which of the model's accents, where it knows any.
            generator: source of the noise.
            limit: what keeps predicted durations sensible: frames (B, N) at pace 1 to such frames.
        """
        accents = torch.full_like(phoneme_lens, accent)
        prior, durations, z = self.plan(phonemes, phoneme_lens, z, accents, pace, limit)
        prior, mel_lens = lay_out(prior, path_from_durations(durations)), durations.sum(dim=1)
        noise = torch.randn(prior.shape, generator=generator, device="cpu").to(prior)
        mel = self.decode(noise * temperature, prior, z, mel_lens, steps, guidance)
        return SynthesizedMel(self.denormalize(mel), mel_lens, durations)

    forward = synthesize

    def plan(
        self,
        phonemes: Tensor,
        phoneme_lens: Tensor,
        z: Tensor,
        accents: Tensor,
        pace: float | Tensor = 1.0,
        limit: Callable[[Tensor], Tensor] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decide what is said when; arguments as in :meth:`synthesize`, accents int64 (B,).

        Returns:
            Mel prior of the phonemes (B, N, M), their frames int64 (B, N), and z as the decoder
            takes it (B, style_dim): both parts with their shares again, and the accent.
        """
        z = self.accented(self.style_encoder.join(*self.style_encoder.split(z)), accents)
        mask = mask_from_lens(phoneme_lens, phonemes.shape[1])
        hidden, prior = self.text_encoder(phonemes, mask, z)
        frames = self.duration_predictor(hidden, mask, z).exp()
        frames = frames if limit is None else limit(frames)
        return prior, frames_from_durations(frames / pace, mask), z

    def decode(
        self,
        noise: Tensor,
        prior: Tensor,
        z: Tensor,
        mel_lens: Tensor,
        steps: int,
        guidance: float = 1.0,
    ) -> Tensor:
        """Carry noise to a normalized mel, given the laid-out prior; all (B, T, M)."""
        mask = mask_from_lens(mel_lens, noise.shape[1])
        null = self.null_style.expand_as(z)

        def velocity(x: Tensor, t: float) -> Tensor:
            at = x.new_full((len(x),), t)
            return guided(lambda style: self.decoder(x, prior, at, style, mask), z, null, guidance)

        return integrate(velocity, noise, steps)


def lay_out(values: Tensor, path: Tensor) -> Tensor:
    """Repeat the values (B, N, D) of phonemes over their frames, path int64 (B, T): (B, T, D)."""
    return values.gather(1, path.unsqueeze(-1).expand(-1, -1, values.shape[-1]))
