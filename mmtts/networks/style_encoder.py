"""Speech-style encoder E_s: a clip of any length becomes a point z of the style space.

z has two parts: who speaks (S dimensions), and how (the other K). Each is a direction; together
they have unit norm, the first with `SPEAKER_SHARE` of its square.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.campplus import CAMPPlus
from mmtts.networks.ecapa import ECAPA
from mmtts.networks.ge2e import GE2E
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.transformer import ConvFeedForward
from mmtts.networks.wavlm import WavLM

SPEAKER_SHARE = 0.8
FrozenSpeakerEncoder = GE2E | ECAPA | WavLM | CAMPPlus
# A model folder names its speaker encoder by one of these words; "learned" trains with the decoder.
SPEAKER_ENCODERS: dict[str, type[FrozenSpeakerEncoder]] = {
    "ge2e": GE2E,
    "ecapa": ECAPA,
    "wavlm": WavLM,
    "campplus": CAMPPlus,
}


class MelEncoder(nn.Module):
    """Strided convolutions, residual convolutional layers and attentive statistics pooling.

    The pooling (Okabe et al. 2018, arXiv 1803.10963) keeps mean and spread of each channel and no
    order, so the words of the clip have nowhere to go.

    Args:
        n_mels: M, mel bands.
        dim: of the result.
        width: D of the hidden layers.
        layers: residual layers.
        dropout: dropout in the residual layers.
    """

    def __init__(self, n_mels: int, dim: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.input = nn.Linear(4 * n_mels, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.layers = nn.ModuleList(
            ConvFeedForward(width, 2 * width, 3, dropout) for _ in range(layers)
        )
        self.final_norm = nn.LayerNorm(width)
        self.attention = nn.Sequential(nn.Linear(width, 128), nn.Tanh(), nn.Linear(128, width))
        self.output = nn.Linear(2 * width, dim)

    def forward(self, mel: Tensor, mel_lens: Tensor) -> Tensor:
        """Encode clips.

        Args:
            mel: normalized mel (B, T, M).
            mel_lens: valid frames int64 (B,), at least 1.

        Returns:
            (B, dim), unit norm, float32.
        """
        mel = mel * mask_from_lens(mel_lens, mel.shape[1]).unsqueeze(-1)
        mel = F.pad(mel, (0, 0, 0, -mel.shape[1] % 4))
        lens = torch.div(mel_lens + 3, 4, rounding_mode="floor")
        x = self.input(mel.unflatten(1, (-1, 4)).flatten(2))
        mask = mask_from_lens(lens, x.shape[1])
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(norm(x), mask)
        x = self.final_norm(x)
        return F.normalize(self.output(self._pool(x, mask)).float(), dim=-1)

    def _pool(self, x: Tensor, mask: Tensor) -> Tensor:
        scores = self.attention(x).float().masked_fill(~mask.unsqueeze(-1), float("-inf"))
        weights = scores.softmax(dim=1)
        mean = (weights * x).sum(dim=1)
        variance = (weights * (x - mean.unsqueeze(1)) ** 2).sum(dim=1)
        return torch.cat([mean, variance.clamp_min(1e-5).sqrt()], dim=-1)


class StyleEncoder(nn.Module):
    """E_s: who speaks in a clip, and how.

    Args:
        n_mels: M, mel bands.
        style_dim: width of z, S + K.
        manner_dim: K; 0 leaves z to the speaker alone.
        speaker: "learned", or a frozen speaker encoder of `SPEAKER_ENCODERS`.
        width: of the hidden layers of what is learned.
        layers: residual layers of it.
        dropout: in them.
        speaker_config: arguments of the frozen speaker encoder.

    Raises:
        InputError: the speaker encoder is unknown, of another width or without weights, or z has
            no room for both.
    """

    voice_mean: Tensor

    def __init__(
        self,
        n_mels: int,
        style_dim: int,
        manner_dim: int,
        speaker: str,
        width: int,
        layers: int,
        dropout: float,
        speaker_config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= manner_dim < style_dim:
            raise InputError(f"manner_dim must be from 0 to {style_dim - 1}, not {manner_dim}")
        self.dims = (style_dim - manner_dim, manner_dim)
        self.speaker: MelEncoder | FrozenSpeakerEncoder
        if speaker == "learned":
            self.speaker = MelEncoder(n_mels, self.dims[0], width, layers, dropout)
        else:
            self.speaker = self._frozen_encoder(speaker, speaker_config or {})
        self.manner = MelEncoder(n_mels, manner_dim, width, layers, dropout) if manner_dim else None
        self.register_buffer("voice_mean", torch.zeros(self.dims[0]))

    def _frozen_encoder(self, name: str, config: Mapping[str, Any]) -> FrozenSpeakerEncoder:
        if name not in SPEAKER_ENCODERS:
            known = ", ".join(("learned", *SPEAKER_ENCODERS))
            raise InputError(f"unknown speaker encoder {name!r}; known are {known}")
        encoder = SPEAKER_ENCODERS[name](**config)
        if encoder.dim != self.dims[0]:
            raise InputError(
                f"{name} gives {encoder.dim} numbers, but z has room for {self.dims[0]}: "
                f"style_dim must be {encoder.dim} more than manner_dim"
            )
        return encoder

    @property
    def pretrained(self) -> FrozenSpeakerEncoder | None:
        """The frozen speaker encoder, which hears samples and not mels; None for a learned one."""
        return None if isinstance(self.speaker, MelEncoder) else self.speaker

    @property
    def speaker_config(self) -> dict[str, Any]:
        """What rebuilds the frozen speaker encoder without its weights; empty for a learned one."""
        return {} if self.pretrained is None else self.pretrained.config

    def forward(self, mel: Tensor, mel_lens: Tensor, voice: Tensor | None = None) -> Tensor:
        """Encode clips.

        Args:
            mel: normalized mel (B, T, M).
            mel_lens: int64 (B,).
            voice: the frozen speaker encoder's vectors of the clips (B, S); None where the
                speaker encoder is learned.

        Returns:
            z (B, S + K), unit norm.
        """
        return self.join(self.who(mel, mel_lens, voice), self.how(mel, mel_lens))

    def who(self, mel: Tensor, mel_lens: Tensor, voice: Tensor | None = None) -> Tensor:
        """Who speaks: unit vectors (B, S); arguments as for `forward`."""
        if isinstance(self.speaker, MelEncoder):
            return self.speaker(mel, mel_lens)
        if voice is None:
            raise ValueError("a frozen speaker encoder's vectors are needed")
        # All its vectors share a large part, which tells nothing.
        return F.normalize(voice.float() - self.voice_mean, dim=-1)

    def how(self, mel: Tensor, mel_lens: Tensor) -> Tensor | None:
        """The manner: unit vectors (B, K), or None where K is 0."""
        return None if self.manner is None else self.manner(mel, mel_lens)

    def join(self, speaker: Tensor, manner: Tensor | None) -> Tensor:
        """Make z (B, S + K) of unit vectors (B, S) and (B, K)."""
        if manner is None:
            return speaker
        return torch.cat([SPEAKER_SHARE**0.5 * speaker, (1 - SPEAKER_SHARE) ** 0.5 * manner], -1)

    def split(self, z: Tensor) -> tuple[Tensor, Tensor | None]:
        """Take z (B, S + K) apart into unit vectors, whatever their shares became by mixing."""
        if self.manner is None:
            return z, None
        speaker, manner = z.split(self.dims, dim=-1)
        return F.normalize(speaker, dim=-1), F.normalize(manner, dim=-1)
