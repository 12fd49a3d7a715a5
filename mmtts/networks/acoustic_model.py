"""Stage-1 acoustic model: phonemes and a style z become a mel; a clip becomes its z."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.alignment import lay_out, path_from_durations
from mmtts.networks.duration_predictor import DurationPredictor, frames_from_durations
from mmtts.networks.flow_decoder import FlowDecoder
from mmtts.networks.flow_solver import integrate
from mmtts.networks.frame_prior import FramePrior, with_contrast
from mmtts.networks.guidance import guided
from mmtts.networks.int8_linear import quantize
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.plan import Plan, SynthesizedMel
from mmtts.networks.style_encoder import StyleEncoder
from mmtts.networks.text_encoder import TextEncoder

NO_SETTINGS = ("self", "__class__", "speaker_config")  # among the arguments of a model
TEMPERATURE = 0.667  # standard deviation of the noise that speech starts from


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
        decoder_layers: Transformer blocks of the flow decoder; with 0 there is none, and the
            prior is what is spoken.
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
        frame_layers: Transformer blocks of the frame prior, which knows the melody; with 0, the
            prior of a phoneme is repeated over its frames.
        frame_widths: inner widths of these blocks when they were compressed.
        residual: standard deviation of normalized mels around the prior, which the flow decoder
            takes for granted; None when it takes nothing for granted.
        contrast: how much a prior that is spoken by itself departs from its mean over the frames. A
            mean of many mels is flatter than each of them, and what is flat is hard to make out.
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
        frame_layers: int = 0,
        frame_widths: list[list[int]] | None = None,
        residual: float | None = None,
        contrast: float = 1.0,
    ) -> None:
        given = dict(locals())
        super().__init__()
        self.config: dict[str, Any] = {k: v for k, v in given.items() if k not in NO_SETTINGS}
        self.text_encoder = TextEncoder(
            n_symbols, n_mels, style_dim, width, encoder_layers, heads, dropout, encoder_widths
        )
        self.duration_predictor = DurationPredictor(width, style_dim, dropout)
        style = (n_mels, style_dim, manner_dim, speaker, style_width, style_layers, dropout)
        self.style_encoder = StyleEncoder(*style, speaker_config)
        self.config["speaker_config"] = self.style_encoder.speaker_config
        self.config["accents"] = list(accents)
        sizes, over_frames = (n_mels, style_dim, width), (heads, patch, dropout / 2)
        expected = (*sizes, frame_layers, *over_frames, frame_widths)
        self.frame_prior = FramePrior(*expected) if frame_layers else None
        drawn = (*sizes, decoder_layers, *over_frames, decoder_widths, residual)
        self.decoder = FlowDecoder(*drawn) if decoder_layers else None
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
        """Round the matrices of text encoder, frame prior and decoder to 8 bits, in place."""
        self.config["int8"] = True
        for stack in self.stacks.values():
            quantize(stack)

    @property
    def stacks(self) -> dict[str, TextEncoder | FramePrior | FlowDecoder]:
        """Its parts of Transformer blocks, by the names of their widths in `config`."""
        stacks = {
            "encoder_widths": self.text_encoder,
            "frame_widths": self.frame_prior,
            "decoder_widths": self.decoder,
        }
        return {key: stack for key, stack in stacks.items() if stack is not None}

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
        semitones: float | Tensor = 0.0,
    ) -> SynthesizedMel:
        """Speak phonemes in the style z.

        Args:
            phonemes: int64 (B, N).
            phoneme_lens: int64 (B,).
            z: style (B, style_dim), unit norm.
            steps: steps of the decoder; 0 speaks the prior alone.
            guidance: classifier-free guidance weight; 1 follows z as trained, more exaggerates it.
            pace: speaking rate relative to the predicted one, > 0.
            temperature: standard deviation of the starting noise.
            accent: which of the model's accents, where it knows any.
            generator: source of the noise.
            limit: what keeps predicted durations sensible: frames (B, N) at pace 1 to such frames.
            semitones: how much higher than expected, where the model has a frame prior.
        """
        accents = torch.full_like(phoneme_lens, accent)
        plan = self.plan(phonemes, phoneme_lens, z, accents, pace, limit)
        mel_lens = plan.durations.sum(dim=1)
        prior = self.prior_of_frames(plan, path_from_durations(plan.durations), semitones)
        noise = torch.randn(prior.shape, generator=generator, device="cpu").to(prior)
        mel = self.decode(noise * temperature, prior, plan.z, mel_lens, steps, guidance)
        return SynthesizedMel(self.denormalize(mel), mel_lens, plan.durations)

    forward = synthesize

    def plan(
        self,
        phonemes: Tensor,
        phoneme_lens: Tensor,
        z: Tensor,
        accents: Tensor,
        pace: float | Tensor = 1.0,
        limit: Callable[[Tensor], Tensor] | None = None,
    ) -> Plan:
        """Decide what is said when; arguments as in :meth:`synthesize`, accents int64 (B,)."""
        z = self.accented(self.style_encoder.join(*self.style_encoder.split(z)), accents)
        mask = mask_from_lens(phoneme_lens, phonemes.shape[1])
        hidden, prior = self.text_encoder(phonemes, mask, z)
        frames = self.duration_predictor(hidden, mask, z).exp()
        frames = frames if limit is None else limit(frames)
        return Plan(hidden, prior, frames_from_durations(frames / pace, mask), z)

    def prior_of_frames(self, plan: Plan, path: Tensor, semitones: float | Tensor = 0.0) -> Tensor:
        """The mel to expect of every frame, with the melody to expect.

        Args:
            plan: what is said when.
            path: phoneme of each frame int64 (B, T).
            semitones: how much higher the melody is; a number or of each frame (B, T).

        Returns:
            Mel prior (B, T, M), in normalized mel units.
        """
        if self.frame_prior is None:
            return lay_out(plan.prior, path)
        melody = self.frame_prior.expect_melody(plan, path).decided()
        return self.frame_prior(plan, path, melody.higher(semitones))

    def decode(
        self,
        noise: Tensor,
        prior: Tensor,
        z: Tensor,
        mel_lens: Tensor,
        steps: int,
        guidance: float = 1.0,
    ) -> Tensor:
        """Carry noise to a normalized mel, given the prior of the frames; all (B, T, M).

        No steps at all give the prior, with its contrast, and so does a model without a decoder.
        """
        decoder, mask = self.decoder, mask_from_lens(mel_lens, noise.shape[1])
        if decoder is None or not steps:
            return with_contrast(prior, mask, self.config["contrast"])
        null = self.null_style.expand_as(z)

        def velocity(x: Tensor, t: float) -> Tensor:
            at = x.new_full((len(x),), t)
            return guided(lambda style: decoder(x, prior, at, style, mask), z, null, guidance)

        return integrate(velocity, noise, steps)
