"""Speech dataset: whole batches of clips, phonemes and reference clips for stage 1.

The same seed and epoch give the same batches, however many workers load them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.pitch import measure_pitch
from mmtts.data.clip_store import ClipStore, shared_zeros
from mmtts.data.cuts import Clip, load_samples
from mmtts.data.frame_windows import frame_windows
from mmtts.data.sampling import Draw
from mmtts.data.speech_batch import SpeechBatch, lay_phonemes, pad_frames

REFERENCES = ("other_clip", "other_crop")
_log = logging.getLogger(__name__)


class SpeechDataset(Dataset[SpeechBatch]):
    """Loads a whole batch for each `Draw`.

    Args:
        clips: to draw from.
        phonemes: text -> indices of symbols; a text that is absent or ``None`` counts as none.
        speakers: speaker -> index; others get -1.
        accents: accent -> index, likewise.
        mel: plain arguments of `MelSpectrogram`.
        reference: ``"other_clip"`` of the speaker where there is one, or ``"other_crop"``.
        reference_seconds: shortest and longest reference; every batch draws one length.
        window_slack: frames around a word that its phonemes may use.
        cache_gib: memory for decoded clips, shared by all workers.
        seed: of the references.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        phonemes: Mapping[str, np.ndarray | None],
        speakers: Mapping[str, int],
        *,
        accents: Mapping[str, int] | None = None,
        mel: Mapping[str, Any] | None = None,
        reference: str = "other_clip",
        reference_seconds: tuple[float, float] = (1.5, 4.0),
        window_slack: int = 6,
        cache_gib: float = 2.0,
        seed: int = 0,
    ) -> None:
        if reference not in REFERENCES:
            raise InputError(f"Unknown reference {reference!r}: use {' or '.join(REFERENCES)}.")
        self.clips, self.reference, self.seed = list(clips), reference, seed
        self.mel = MelSpectrogram(**(mel or {}))
        self.reference_seconds = reference_seconds
        rate, hop = self.mel.sample_rate, self.mel.hop_length
        frames = [clip.num_frames(rate, hop) for clip in self.clips]
        self.store = ClipStore(frames, self.mel.n_mels + 1, np.float16, cache_gib)
        self.voices = torch.zeros(len(self.clips), 0)
        self._broken = shared_zeros(len(self.clips), np.uint8)
        self.speaker = np.array([speakers.get(clip.speaker, -1) for clip in self.clips], np.int64)
        known = accents or {}
        self.accent = np.array([known.get(clip.accent, -1) for clip in self.clips], np.int64)
        self._of_speaker: dict[str, list[int]] = {}
        for index, clip in enumerate(self.clips):
            self._of_speaker.setdefault(clip.speaker, []).append(index)
        self.tokens = [phonemes.get(clip.text) if clip.text else None for clip in self.clips]
        self.windows = [
            None
            if tokens is None
            else frame_windows(
                tokens,
                clip.words,
                length,
                frames_per_second=self.mel.frames_per_second,
                slack=window_slack,
            )
            for clip, tokens, length in zip(self.clips, self.tokens, frames, strict=True)
        ]

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far, by any forked worker."""
        return [self.clips[index].id for index in np.flatnonzero(self._broken)]

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> SpeechBatch:
        """Load a batch; clips that cannot be decoded are left out.

        Raises:
            InputError: none of the clips can be decoded, nor any other tried in their place.
        """
        rng = np.random.default_rng([self.seed, draw.epoch, draw.number])
        loaded = [(index, self.load(index)) for index in draw.clips]
        known = [(index, frames) for index, frames in loaded if frames is not None]
        known = known or [self._replace(rng)]
        rows = [(index, frames[:, :-1]) for index, frames in known]
        pitches = [frames[:, -1:] for _, frames in known]
        length = round(rng.uniform(*self.reference_seconds) * self.mel.frames_per_second)
        others = [self._draw_reference(index, rng) for index, _ in rows]
        references = [
            _crop(mel if other is None else other, length, rng)
            for (_, mel), (_, other) in zip(rows, others, strict=True)
        ]
        manners = [_crop(mel, length, rng) for _, mel in rows]
        return self._collate(rows, pitches, references, manners, [chosen for chosen, _ in others])

    def load_mel(self, index: int) -> Tensor | None:
        """Return the mel (T, M) of a clip in float16, or ``None`` when it cannot be decoded."""
        frames = self.load(index)
        return None if frames is None else frames[:, :-1]

    def load(self, index: int) -> Tensor | None:
        """Return the mel of a clip and, last, its pitch in Hz, 0 where there is no voice.

        (T, M + 1) in float16, or ``None`` when it cannot be decoded.
        """
        kept = self.store.get(index)
        if kept is not None:
            return torch.from_numpy(kept)
        if self._broken[index]:
            return None
        clip = self.clips[index]
        try:
            samples = load_samples(clip, self.mel.sample_rate)
        except InputError as error:
            self._broken[index] = 1
            _log.warning("%s It is skipped from now on.", error)
            return None
        wav = torch.from_numpy(samples)[None]
        with torch.no_grad():
            mel = self.mel(wav)
            pitch, voiced = measure_pitch(wav, self.mel.hop_length, self.mel.sample_rate)
            frames = torch.cat([mel, (pitch * voiced).unsqueeze(-1)], dim=-1)[0].half()
        self.store.put(index, frames.numpy())
        return frames

    def _replace(self, rng: np.random.Generator) -> tuple[int, Tensor]:
        """Return any clip that can be decoded."""
        for index in rng.permutation(len(self.clips))[:100].tolist():
            frames = self.load(index)
            if frames is not None:
                return index, frames
        raise InputError(
            f"None of 100 clips can be decoded, among them {self.skipped[0]!r}: "
            "prepare the data folder again."
        )

    def _draw_reference(self, index: int, rng: np.random.Generator) -> tuple[int, Tensor | None]:
        """Choose a clip of the same speaker; its mel, or ``None`` for the clip itself."""
        others = self._of_speaker[self.clips[index].speaker]
        if self.reference == "other_clip" and len(others) > 1:
            # A draw among the others: the clip itself is stepped over.
            chosen = others[rng.integers(len(others) - 1)]
            chosen = others[-1] if chosen == index else chosen
            other = self.load_mel(chosen)
            return (index, None) if other is None else (chosen, other)
        return index, None

    def _collate(
        self,
        rows: list[tuple[int, Tensor]],
        pitches: list[Tensor],
        references: list[Tensor],
        manners: list[Tensor],
        chosen: list[int],
    ) -> SpeechBatch:
        indices = [index for index, _ in rows]
        mel, mel_lens = pad_frames([mel for _, mel in rows])
        reference, reference_lens = pad_frames(references)
        manner, manner_lens = pad_frames(manners)
        tokens = [self.tokens[index] for index in indices]
        windows = [self.windows[index] for index in indices]
        phonemes, phoneme_lens, first, last = lay_phonemes(tokens, windows, mel_lens.tolist())
        return SpeechBatch(
            mel=mel,
            mel_lens=mel_lens,
            phonemes=phonemes,
            phoneme_lens=phoneme_lens,
            first_frame=first,
            last_frame=last,
            reference=reference,
            reference_lens=reference_lens,
            manner=manner,
            manner_lens=manner_lens,
            pitch=pad_frames(pitches, padding=0.0)[0].flatten(1),
            voice=self.voices[chosen],
            speaker=torch.from_numpy(self.speaker[indices]),
            accent=torch.from_numpy(self.accent[indices]),
            transcribed=torch.tensor([t is not None for t in tokens]),
            ids=[self.clips[index].id for index in indices],
        )


def _crop(mel: Tensor, length: int, rng: np.random.Generator) -> Tensor:
    """Cut at most ``length`` frames out of a mel (T, M)."""
    start = int(rng.integers(max(0, len(mel) - length) + 1))
    return mel[start : start + length]
