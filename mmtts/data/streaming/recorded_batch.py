"""Recorded batch: a batch for stage 1 before its sound became mels and pitch.

A loader worker decodes four times as fast as it analyzes, and a GPU analyzes a batch in no time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.pitch import measure_pitch
from mmtts.data.speech_batch import SILENCE, SpeechBatch

FULL_SCALE = 32768.0


class RecordedBatch(NamedTuple):
    """A `SpeechBatch` with samples in the place of mels and pitch.

    Attributes:
        wav: int16 (B, S), zero behind the end of a clip.
        mel_lens: int64 (B,).
        phonemes: int64 (B, N).
        phoneme_lens: int64 (B,).
        first_frame: int64 (B, N).
        last_frame: int64 (B, N).
        reference: int16 (B, S'); samples of the reference and `margin` hops on either side.
        reference_lens: int64 (B,), in frames.
        manner_start: int64 (B,), frame of the clip at which its manner begins.
        manner_lens: int64 (B,), in frames.
        speaker: int64 (B,).
        accent: int64 (B,).
        transcribed: bool (B,).
        ids: of the clips.
        spoken: how many of them have a transcript.
    """

    wav: Tensor
    mel_lens: Tensor
    phonemes: Tensor
    phoneme_lens: Tensor
    first_frame: Tensor
    last_frame: Tensor
    reference: Tensor
    reference_lens: Tensor
    manner_start: Tensor
    manner_lens: Tensor
    speaker: Tensor
    accent: Tensor
    transcribed: Tensor
    ids: list[str]
    spoken: int


def to_16_bits(samples: np.ndarray) -> np.ndarray:
    """Round samples float32 (N,) in [-1, 1] to int16, in their own memory."""
    samples *= FULL_SCALE
    np.rint(samples, out=samples)
    return np.clip(samples, -FULL_SCALE, FULL_SCALE - 1, out=samples).astype(np.int16)


def margin(mel: MelSpectrogram) -> int:
    """Hops beside a reference that its outermost frames see."""
    return -(-mel.n_fft // 2 // mel.hop_length)


@torch.no_grad()
def analyze(recorded: RecordedBatch, mel: MelSpectrogram) -> SpeechBatch:
    """Measure mels and pitch, on the device where the samples are.

    Args:
        recorded: what was decoded.
        mel: on the same device.
    """
    wav = recorded.wav / FULL_SCALE
    frames = mel(wav)
    valid = _mask(recorded.mel_lens, frames.shape[1])
    pitch, voiced = measure_pitch(wav, mel.hop_length, mel.sample_rate)
    beside = margin(mel)
    reference = mel(recorded.reference / FULL_SCALE)[:, beside : -beside or None]
    steps = torch.arange(int(recorded.manner_lens.max()), device=wav.device)
    index = (recorded.manner_start[:, None] + steps).clamp_max(frames.shape[1] - 1)
    manner = frames.gather(1, index[..., None].expand(-1, -1, frames.shape[2]))
    return SpeechBatch(
        mel=_silenced(frames, recorded.mel_lens),
        mel_lens=recorded.mel_lens,
        phonemes=recorded.phonemes,
        phoneme_lens=recorded.phoneme_lens,
        first_frame=recorded.first_frame,
        last_frame=recorded.last_frame,
        reference=_silenced(reference, recorded.reference_lens),
        reference_lens=recorded.reference_lens,
        manner=_silenced(manner, recorded.manner_lens),
        manner_lens=recorded.manner_lens,
        pitch=torch.where(valid & voiced, pitch, 0.0),
        voice=frames.new_zeros(len(frames), 0),
        speaker=recorded.speaker,
        accent=recorded.accent,
        transcribed=recorded.transcribed,
        ids=recorded.ids,
        spoken=recorded.spoken,
    )


def _mask(lens: Tensor, length: int) -> Tensor:
    """Which frames are valid: (B, T)."""
    return torch.arange(length, device=lens.device) < lens[:, None]


def _silenced(frames: Tensor, lens: Tensor) -> Tensor:
    """Put silence behind the end of each row of (B, T, M)."""
    return torch.where(_mask(lens, frames.shape[1])[..., None], frames, SILENCE)
