"""The pieces of a system that become ONNX graphs, each a call from tensors to tensors.

What lies between them is left to numpy: laying phonemes over frames, drawing noise, the steps of
the flow, short-time Fourier transforms. Complex numbers go in and out as pairs in a last axis.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mmtts.networks.flow_decoder import FlowDecoder
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.plan import Plan
from mmtts.networks.vocoder import Vocoder
from mmtts.onnx.folder import FLOW
from mmtts.synthesis.durations import limit_durations
from mmtts.synthesis.system_folder import Speaker


class TextEncoder(nn.Module):
    """Phonemes and a voice to durations, within their limits, hidden states and the mel prior."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self.model = speaker.acoustic_model
        self.frame_seconds = speaker.mel.hop_length / speaker.mel.sample_rate

    def forward(
        self, phonemes: Tensor, phoneme_lens: Tensor, style: Tensor, accents: Tensor, pace: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Plan a sentence; see `AcousticModel.plan`.

        Args:
            phonemes: int64 (B, N).
            phoneme_lens: int64 (B,).
            style: the voice (B, style_dim).
            accents: int64 (B,).
            pace: speaking rate relative to the predicted one, of each phoneme (B, N).

        Returns:
            Frames of each phoneme int64 (B, N), hidden states (B, N, D), prior (B, N, M), z of the
            decoder (B, style_dim).
        """
        limit = partial(limit_durations, phonemes=phonemes, frame_seconds=self.frame_seconds)
        plan = self.model.plan(phonemes, phoneme_lens, style, accents, pace, limit)
        return plan.durations, plan.hidden, plan.prior, plan.z


class FramePrior(nn.Module):
    """The mel to expect of every frame; see `AcousticModel.prior_of_frames`."""

    def __init__(self, speaker: Speaker) -> None:
        super().__init__()
        self.model = speaker.acoustic_model

    def forward(
        self, durations: Tensor, hidden: Tensor, prior: Tensor, z: Tensor, path: Tensor
    ) -> Tensor:
        """What the text encoder gave, and the phoneme of each frame int64 (B, T): (B, T, M)."""
        return self.model.prior_of_frames(Plan(hidden, prior, durations, z), path)


class FlowStep(nn.Module):
    """The velocity of the flow at one point and time; see `FlowDecoder`."""

    def __init__(self, decoder: FlowDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, x: Tensor, prior: Tensor, t: Tensor, z: Tensor, mel_lens: Tensor) -> Tensor:
        """Velocity (B, T, M) at x (B, T, M) and t (B,), given prior (B, T, M) and z."""
        return self.decoder(x, prior, t, z, mask_from_lens(mel_lens, x.shape[1]))


class Excitation(nn.Module):
    """What excites the vocal tract: samples of pulses and noise, pitch and voice of the frames."""

    def __init__(self, vocoder: Vocoder) -> None:
        super().__init__()
        self.vocoder = vocoder

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        """Natural-log mel (B, T, M) to pulses and noise (B, S), pitch and voiced (B, T)."""
        return tuple(self.vocoder.excite(self.vocoder.pitch_logits(mel)))


class VocoderBody(nn.Module):
    """The filters of both sources; see `Vocoder.shape`."""

    def __init__(self, vocoder: Vocoder) -> None:
        super().__init__()
        self.vocoder = vocoder

    def forward(
        self, mel: Tensor, pulses: Tensor, noise: Tensor, pitch: Tensor, voiced: Tensor
    ) -> Tensor:
        """Spectra of pulses and noise (B, T, bins, 2) to that of speech."""
        sources = torch.view_as_complex(pulses), torch.view_as_complex(noise)
        return torch.view_as_real(self.vocoder.shape(mel, *sources, pitch, voiced))


class Refinement(nn.Module):
    """One correction of a consistent spectrum; see `Vocoder.correct`."""

    def __init__(self, vocoder: Vocoder) -> None:
        super().__init__()
        self.vocoder = vocoder

    def forward(self, spectrum: Tensor, mel: Tensor) -> Tensor:
        """Spectrum (B, T, bins, 2) to one whose mel is nearer."""
        return torch.view_as_real(self.vocoder.correct(torch.view_as_complex(spectrum), mel))


def make_pieces(speaker: Speaker, vocoder: Vocoder) -> dict[str, nn.Module]:
    """All pieces by the names of `mmtts.onnx.folder.GRAPHS`, those that the system has."""
    decoder = speaker.acoustic_model.decoder
    return {
        "text_encoder": TextEncoder(speaker),
        "frame_prior": FramePrior(speaker),
        **({} if decoder is None else {FLOW: FlowStep(decoder)}),
        "excitation": Excitation(vocoder),
        "vocoder": VocoderBody(vocoder),
        "refinement": Refinement(vocoder),
    }


def example_inputs(speaker: Speaker) -> dict[str, dict[str, Tensor]]:
    """Inputs of each piece, to trace it with: two rows, whose lengths and values mean nothing."""
    n_rows, n_phonemes, n_frames = 2, 11, 23
    n_bins, dim = speaker.mel.n_fft // 2 + 1, speaker.acoustic_model.config["style_dim"]

    # One tensor for two inputs would be traced as one input that is used twice.
    def mel() -> Tensor:
        return torch.zeros(n_rows, n_frames, speaker.mel.n_mels)

    def spectrum() -> Tensor:
        return torch.zeros(n_rows, n_frames, n_bins, 2)

    return {
        "text_encoder": {
            "phonemes": torch.ones(n_rows, n_phonemes, dtype=torch.long),
            "phoneme_lens": torch.full((n_rows,), n_phonemes),
            "style": torch.full((n_rows, dim), dim**-0.5),
            "accents": torch.zeros(n_rows, dtype=torch.long),
            "pace": torch.ones(n_rows, n_phonemes),
        },
        "frame_prior": {
            "durations": torch.full((n_rows, n_phonemes), 2),
            "hidden": torch.zeros(n_rows, n_phonemes, speaker.acoustic_model.config["width"]),
            "prior": torch.zeros(n_rows, n_phonemes, speaker.mel.n_mels),
            "z": torch.full((n_rows, dim), dim**-0.5),
            "path": (torch.arange(2 * n_phonemes) // 2).expand(n_rows, -1).contiguous(),
        },
        FLOW: {
            "x": mel(),
            "prior": mel(),
            "t": torch.zeros(n_rows),
            "z": torch.full((n_rows, dim), dim**-0.5),
            "mel_lens": torch.full((n_rows,), n_frames),
        },
        "excitation": {"mel": mel()},
        "vocoder": {
            "mel": mel(),
            "pulses": spectrum(),
            "noise": spectrum(),
            "pitch": torch.full((n_rows, n_frames), 100.0),
            "voiced": torch.ones(n_rows, n_frames),
        },
        "refinement": {"spectrum": spectrum(), "mel": mel()},
    }
