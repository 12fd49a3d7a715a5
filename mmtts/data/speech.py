"""Speech: the data modules of stage 1 and of the vocoder, reading a prepared folder.

Both read `speech/cuts_<split>.jsonl.gz` (or Lhotse Shar), leave out what cannot be used, and say
so in `report`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from mmtts import InputError
from mmtts.data.clip_data import ALL_SPLITS, SPLITS_OF_STAGE, ClipData, Selection
from mmtts.data.cuts import Clip, played, read_clips
from mmtts.data.frozen import Table
from mmtts.data.phoneme_cache import load_phonemes, phonemes_path
from mmtts.data.sampling import BucketSampler, CropSampler
from mmtts.data.speech_dataset import SpeechDataset
from mmtts.data.wave_dataset import WaveDataset
from mmtts.text import ENGLISH, FrontEnd

_STATISTICS_CLIPS = 300


class SpeechData(ClipData):
    """Batches for stage 1.

    Args:
        folder: prepared data folder.
        batch_seconds: audio in a batch.
        max_seconds: longer clips are left out.
        min_seconds: shorter clips are left out.
        num_workers: loader processes.
        seed: of the order and of the reference clips.
        reference: ``"other_clip"`` of the same speaker where there is one, or ``"other_crop"``.
        reference_seconds: shortest and longest reference.
        transcribed_only: leave out clips without a transcript.
        leave_out: leave out speakers whose names begin like this, such as those whose faces are
            known: a style encoder that was trained on them makes them closer than strangers are.
        window_slack: frames around a recognizer's word that its phonemes may use.
        cache_gib: memory for decoded clips; the phonemes are kept in ``speech/``.
        shar: read Lhotse Shar.
        mel: plain arguments of `MelSpectrogram`.
        num_buckets: of the bucketing sampler.
        accents: names of the accents that the model tells apart.
        shares: accent -> share of its training clips to learn from, for learning curves; 1 unless
            named.
        repeats: accent -> how often its clips come in an epoch of training; 1 unless named.
        speeds: accent -> speeds at which its training clips are played, too, as further voices.
        front_end: of the language of the transcripts.

    Attributes:
        speakers: of the training split, sorted; `SpeechBatch.speaker` counts in it.
        mel_mean: float32 (M,), of training clips.
        mel_std: float32 (M,).
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        batch_seconds: float = 120.0,
        max_seconds: float = 15.0,
        num_workers: int = 0,
        seed: int = 0,
        reference: str = "other_clip",
        cache_gib: float = 2.0,
        shar: bool = False,
        *,
        min_seconds: float = 0.4,
        reference_seconds: tuple[float, float] = (1.5, 4.0),
        transcribed_only: bool = False,
        leave_out: Sequence[str] = (),
        window_slack: int = 6,
        mel: Mapping[str, Any] | None = None,
        num_buckets: int = 30,
        accents: Sequence[str] = (),
        shares: Mapping[str, float] | None = None,
        repeats: Mapping[str, int] | None = None,
        speeds: Mapping[str, Sequence[float]] | None = None,
        front_end: FrontEnd = ENGLISH,
    ) -> None:
        super().__init__(
            folder,
            max_seconds=max_seconds,
            min_seconds=min_seconds,
            num_workers=num_workers,
            seed=seed,
            cache_gib=cache_gib,
            shar=shar,
            mel=mel,
            leave_out=leave_out,
        )
        self.batch_seconds, self.num_buckets = batch_seconds, num_buckets
        self.reference, self.reference_seconds = reference, reference_seconds
        self.transcribed_only, self.window_slack = transcribed_only, window_slack
        self.accents, self.repeats = list(accents), dict(repeats or {})
        self.shares = dict(shares or {})
        self.speeds, self.front_end = dict(speeds or {}), front_end
        self.speakers: list[str] = []
        self.mel_mean = self.mel_std = torch.empty(0)
        self._phonemes: dict[str, np.ndarray | None] = {}

    def prepare_data(self) -> None:
        """Phonemize every text once, in one process."""
        for split in SPLITS_OF_STAGE["fit"]:
            self.inspect(read_clips(self.folder, split, shar=self.shar))

    def inspect(self, clips: list[Clip]) -> None:
        """Look up the phonemes of every clip."""
        texts = [clip.text for clip in clips if clip.text]
        path = phonemes_path(self.folder, self.front_end)
        self._phonemes |= load_phonemes(texts, path, self.front_end)

    def setup(self, stage: str | None = None) -> None:
        """Read the splits of a stage, and the speakers of the training split."""
        splits = SPLITS_OF_STAGE.get(stage or "", ALL_SPLITS)
        train = self.read("train")
        self.speakers = sorted({clip.speaker for clip in train})
        for split in splits:
            clips = train if split == "train" else self.read(split)
            self.datasets[split] = SpeechDataset(
                clips,
                self._phonemes,
                {speaker: index for index, speaker in enumerate(self.speakers)},
                accents={accent: index for index, accent in enumerate(self.accents)},
                mel=self.mel,
                reference=self.reference,
                reference_seconds=self.reference_seconds,
                window_slack=self.window_slack,
                cache_gib=self.cache_gib,
                seed=self.seed,
            )

        if "train" in splits:
            self._measure_statistics(self.datasets["train"])

    def attach(self, voices: Table) -> None:
        """Give every clip the vector that a frozen speaker encoder has for it.

        Raises:
            InputError: a clip has none.
        """
        for dataset in self.datasets.values():
            dataset.voices = torch.from_numpy(voices.take(clip.id for clip in dataset.clips))

    def _measure_statistics(self, dataset: SpeechDataset) -> None:
        """Set `mel_mean` and `mel_std` from clips spread over a set; what they decode is kept.

        Raises:
            InputError: none of them can be decoded.
        """
        step = max(1, len(dataset) // _STATISTICS_CLIPS)
        mels = [dataset.load_mel(index) for index in range(0, len(dataset), step)]
        decoded = [mel.float() for mel in mels if mel is not None]
        if not decoded:
            raise InputError(f"no clip of {self.folder} can be decoded: prepare it again.")
        frames = torch.cat(decoded)
        self.mel_mean, self.mel_std = frames.mean(0), frames.std(0).clamp_min(1e-3)

    def read(self, split: str) -> list[Clip]:
        """Read a split; also counts the transcripts."""
        clips = super().read(split)
        if split == "train" and self.speeds:
            of_clip = [(clip, self.speeds.get(clip.accent, [])) for clip in clips]
            clips += [played(clip, speed) for clip, speeds in of_clip for speed in speeds]
            self.report[split]["at all speeds"] = len(clips)
        known = [clip for clip in clips if self._phonemes.get(clip.text) is not None]
        self.report[split]["transcribed"] = len(known)
        return clips

    def selection(self, split: str) -> Selection:
        """Say which clips of a split can be used."""
        shares = self.shares if split == "train" else {}
        known = super().selection(split)
        return replace(known, transcribed_only=self.transcribed_only, shares=shares)

    def tokens(self, clip: Clip) -> np.ndarray | None:
        """Return the phonemes of a clip."""
        return self._phonemes.get(clip.text)

    def sampler(self, split: str, *, shuffle: bool, rank: int, world_size: int) -> BucketSampler:
        """Return batches of about the same length."""
        clips = self.datasets[split].clips
        repeats = [self.repeats.get(clip.accent, 1) if split == "train" else 1 for clip in clips]
        return BucketSampler(
            [clip.seconds for clip in clips],
            self.batch_seconds,
            repeats=repeats,
            shuffle=shuffle,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            num_buckets=self.num_buckets,
        )


class WaveData(ClipData):
    """Batches for the vocoder.

    Args:
        folder: prepared data folder.
        batch_size: crops in a batch.
        crop_seconds: length of a crop.
        max_seconds: longer clips are left out.
        num_workers: loader processes.
        seed: of the order and of the crops.
        cache_gib: memory for decoded clips.
        shar: read Lhotse Shar.
        mel: plain arguments of `MelSpectrogram`.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        batch_size: int = 16,
        crop_seconds: float = 1.0,
        max_seconds: float = 60.0,
        num_workers: int = 0,
        seed: int = 0,
        cache_gib: float = 2.0,
        shar: bool = False,
        *,
        mel: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            folder,
            max_seconds=max_seconds,
            min_seconds=0.0,
            num_workers=num_workers,
            seed=seed,
            cache_gib=cache_gib,
            shar=shar,
            mel=mel,
        )
        self.batch_size, self.crop_seconds = batch_size, crop_seconds

    def setup(self, stage: str | None = None) -> None:
        """Read the splits of a stage."""
        for split in SPLITS_OF_STAGE.get(stage or "", ALL_SPLITS):
            clips = self.read(split)
            self.datasets[split] = WaveDataset(
                clips,
                crop_seconds=self.crop_seconds,
                mel=self.mel,
                cache_gib=self.cache_gib,
                seed=self.seed,
            )

    def sampler(self, split: str, *, shuffle: bool, rank: int, world_size: int) -> CropSampler:
        """Return batches of random clips, long ones more often."""
        return CropSampler(
            [clip.seconds for clip in self.datasets[split].clips],
            self.crop_seconds,
            self.batch_size,
            shuffle=shuffle,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
        )
