"""Clip data: what the data modules of stage 1 and of the vocoder share."""

from __future__ import annotations

import logging
import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import Clip, read_clips
from mmtts.data.sampling import Draw

SPLITS_OF_STAGE = {"fit": ("train", "valid"), "validate": ("valid",), "test": ("test",)}
ALL_SPLITS = ("train", "valid", "test")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selection:
    """Which clips can be used.

    Attributes:
        max_seconds: longer clips are left out.
        min_seconds: shorter clips are left out.
        sample_rate: of the mel, in Hz.
        hop_length: of the mel, in samples.
        transcribed_only: leave out clips without a transcript.
        leave_out: leave out speakers whose names begin like one of these.
        shares: accent -> share of its clips to learn from. Which ones depends on their ids alone,
            and those of a smaller share are in every larger one.
    """

    max_seconds: float
    min_seconds: float
    sample_rate: int
    hop_length: int
    transcribed_only: bool = False
    leave_out: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)

    def refuse(self, clip: Clip, tokens: np.ndarray | None = None) -> str | None:
        """Return the reason to leave out a clip with its phonemes, or ``None``."""
        if clip.speaker.startswith(self.leave_out):
            return "speaker to be left out"
        if tokens is None and self.transcribed_only:
            return "no transcript that can be spoken"
        if tokens is not None and len(tokens) > clip.num_frames(self.sample_rate, self.hop_length):
            return "more phonemes than frames"
        if clip.seconds > self.max_seconds:
            return f"longer than {self.max_seconds:g} s"
        if clip.seconds < self.min_seconds:
            return f"shorter than {self.min_seconds:g} s"
        if crc32(clip.id.encode()) >= self.shares.get(clip.accent, 1.0) * 2**32:
            return "beyond the share of its accent"
        return None


class ClipData(lightning.LightningDataModule):
    """Splits, filters, statistics and loaders of a prepared folder.

    Args:
        leave_out: Leave out speakers whose names begin like one of these.

    Attributes:
        report: split -> counts of what is used and of what was left out, by reason.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        max_seconds: float,
        min_seconds: float,
        num_workers: int,
        seed: int,
        cache_gib: float,
        shar: bool,
        mel: Mapping[str, Any] | None,
        leave_out: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.max_seconds, self.min_seconds = max_seconds, min_seconds
        self.num_workers, self.seed, self.cache_gib, self.shar = num_workers, seed, cache_gib, shar
        self.mel, self.leave_out = dict(mel or {}), tuple(leave_out)
        analysis = MelSpectrogram(**self.mel)
        self.sample_rate, self.hop_length = analysis.sample_rate, analysis.hop_length
        self.report: dict[str, dict[str, Any]] = {}
        self.datasets: dict[str, Any] = {}

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far."""
        return [name for dataset in self.datasets.values() for name in dataset.skipped]

    def read(self, split: str) -> list[Clip]:
        """Read a split and count what is left out into `report`.

        Raises:
            InputError: the folder has no such split, or nothing of it can be used.
        """
        clips = read_clips(self.folder, split, shar=self.shar)
        self.inspect(clips)
        select = self.selection(split)
        reasons = [select.refuse(clip, self.tokens(clip)) for clip in clips]
        kept = [clip for clip, reason in zip(clips, reasons, strict=True) if reason is None]
        dropped = dict(Counter(reason for reason in reasons if reason))
        self.report[split] = {
            "clips": len(kept),
            "seconds": round(sum(clip.seconds for clip in kept), 1),
            "speakers": len({clip.speaker for clip in kept}),
            "below_sample_rate": sum(clip.sample_rate < self.sample_rate for clip in kept),
            "dropped": dropped,
        }
        _log.info("%s: %s", split, self.report[split])
        if not kept:
            raise InputError(
                f"{self.folder} has no usable clip for {split!r}; left out: {dropped}."
            )
        return kept

    def inspect(self, clips: list[Clip]) -> None:
        """Look at the clips of a split before any is left out."""

    def left_out(self, split: str) -> tuple[str, ...]:
        """How the names of speakers begin who have no part in a split."""
        return self.leave_out

    def selection(self, split: str) -> Selection:
        """Say which clips of a split can be used."""
        return Selection(
            self.max_seconds,
            self.min_seconds,
            self.sample_rate,
            self.hop_length,
            leave_out=self.left_out(split),
        )

    def tokens(self, clip: Clip) -> np.ndarray | None:
        """Return the phonemes of a clip where they matter and are known."""
        return None

    def loader(self, split: str, *, shuffle: bool) -> DataLoader:
        """Return the loader of a split; the sampler yields whole batches."""
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        workers = self.num_workers if split == "train" else min(self.num_workers, 2)
        return DataLoader(
            self.datasets[split],
            batch_size=None,
            sampler=self.sampler(split, shuffle=shuffle, rank=rank, world_size=world),
            num_workers=workers,
            persistent_workers=workers > 0,
            prefetch_factor=4 if workers else None,
            pin_memory=torch.cuda.is_available(),
        )

    @abstractmethod
    def sampler(self, split: str, *, shuffle: bool, rank: int, world_size: int) -> Sampler[Draw]:
        """Return the sampler of a split for one of several processes."""

    def train_dataloader(self) -> DataLoader:
        """Batches in another order in every epoch."""
        return self.loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """The same batches in every epoch."""
        return self.loader("valid", shuffle=False)

    def test_dataloader(self) -> DataLoader:
        """The same batches in every epoch."""
        return self.loader("test", shuffle=False)
