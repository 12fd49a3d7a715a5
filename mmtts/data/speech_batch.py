"""What stage 1 is given: mels, phonemes and reference clips, and which rows have a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmtts.audio.mel import LOG_FLOOR

SILENCE = float(np.log(LOG_FLOOR))
Windows = tuple[np.ndarray, np.ndarray]  # of `frame_windows`


class SpeechBatch(NamedTuple):
    """A batch for stage 1.

    Attributes:
        mel: (B, T, M) natural-log mel, padded with silence.
        mel_lens: int64 (B,).
        phonemes: int64 (B, N), padded with 0.
        phoneme_lens: int64 (B,); 1 (of padding) where there is no transcript.
        first_frame: int64 (B, N); phoneme n lies within frames ``first_frame <= t < last_frame``.
        last_frame: int64 (B, N).
        reference: (B, R, M) natural-log mel of another clip, or of another crop, of the speaker.
        reference_lens: int64 (B,).
        manner: (B, Q, M) natural-log mel of a crop of the clip itself.
        manner_lens: int64 (B,).
        pitch: (B, T) Hz, 0 where there is no voice.
        voice: (B, S) a frozen speaker encoder's vectors of the clips that the references are from;
            (B, 0) without one.
        speaker: int64 (B,), index into `SpeechData.speakers`; -1 for people of other splits.
        accent: int64 (B,), index into `SpeechData.accents`; -1 where it is not known.
        transcribed: bool (B,); the other rows train the style encoder only.
        ids: of the clips.
        spoken: how many rows have a transcript, where that is known without asking the device.
    """

    mel: Tensor
    mel_lens: Tensor
    phonemes: Tensor
    phoneme_lens: Tensor
    first_frame: Tensor
    last_frame: Tensor
    reference: Tensor
    reference_lens: Tensor
    manner: Tensor
    manner_lens: Tensor
    pitch: Tensor
    voice: Tensor
    speaker: Tensor
    accent: Tensor
    transcribed: Tensor
    ids: list[str]
    spoken: int | None = None


def count_spoken(batch: SpeechBatch) -> int:
    """How many rows have a transcript."""
    return int(batch.transcribed.sum()) if batch.spoken is None else batch.spoken


def rows_to_speak(batch: SpeechBatch) -> Tensor | slice:
    """Which rows have a transcript; the first where none has: see `transcribed_rows`."""
    spoken = count_spoken(batch)
    if spoken == len(batch.ids):
        return slice(None)
    return batch.transcribed if spoken else slice(1)


def transcribed_rows(batch: SpeechBatch) -> SpeechBatch:
    """Keep the clips that have a transcript, without padding beyond the longest of them.

    Where none has one, the first is kept, and still says so: one of several processes must take
    part in every loss, even if nothing of its batch counts.
    """
    if count_spoken(batch) == len(batch.ids):
        return batch
    rows = rows_to_speak(batch)
    kept = torch.arange(len(batch.ids), device=batch.transcribed.device)[rows].tolist()
    frames, phonemes = int(batch.mel_lens[rows].max()), int(batch.phoneme_lens[rows].max())
    windows = [batch.first_frame, batch.last_frame]
    first, last = (None if w is None else w[rows, :phonemes] for w in windows)
    return batch._replace(
        mel=batch.mel[rows, :frames],
        mel_lens=batch.mel_lens[rows],
        phonemes=batch.phonemes[rows, :phonemes],
        phoneme_lens=batch.phoneme_lens[rows],
        first_frame=first,
        last_frame=last,
        reference=batch.reference[rows],
        reference_lens=batch.reference_lens[rows],
        manner=batch.manner[rows],
        manner_lens=batch.manner_lens[rows],
        pitch=batch.pitch[rows, :frames],
        voice=batch.voice[rows],
        speaker=batch.speaker[rows],
        accent=batch.accent[rows],
        transcribed=batch.transcribed[rows],
        ids=[batch.ids[row] for row in kept],
        spoken=count_spoken(batch),
    )


def pad_frames(clips: Sequence[Tensor], padding: float = SILENCE) -> tuple[Tensor, Tensor]:
    """Pad frames (T, D), silence after mels, to float32 (B, T, D); return their lengths (B,)."""
    lens = [len(frames) for frames in clips]
    batch = torch.full((len(clips), max(lens), clips[0].shape[1]), padding)
    for row, frames in zip(batch, clips, strict=True):
        row[: len(frames)] = frames
    return batch, torch.tensor(lens)


def lay_phonemes(
    tokens: Sequence[np.ndarray | None], windows: Sequence[Windows | None], mel_lens: Sequence[int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pad what is spoken, and where; a clip without transcript has one token over all its frames.

    Args:
        tokens: of each clip (N,), or ``None``.
        windows: first and last frames (N,) of them.
        mel_lens: frames of each clip.

    Returns:
        ``phonemes``, ``phoneme_lens``, ``first_frame`` and ``last_frame`` of a `SpeechBatch`.
    """
    lens = [1 if t is None else len(t) for t in tokens]
    numbers = np.zeros((3, len(lens), max(lens)), np.int64)
    for row, (spoken, window) in enumerate(zip(tokens, windows, strict=True)):
        if spoken is not None and window is not None:
            numbers[0, row, : lens[row]] = spoken
            numbers[1, row, : lens[row]], numbers[2, row, : lens[row]] = window
        else:
            numbers[2, row, 0] = mel_lens[row]
    phonemes, first, last = torch.from_numpy(numbers)
    return phonemes, torch.tensor(lens), first, last
