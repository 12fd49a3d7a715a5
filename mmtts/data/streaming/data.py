"""The data modules that read a stream, in the place of those of `mmtts.data.speech`.

Training reads shards without end: an epoch is `epoch_batches` batches of each process, whichever
has read its share first. Validation reads the first clips of its split into memory, so that it is
the same in every epoch and as long in every process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.clip_data import SPLITS_OF_STAGE, ClipData
from mmtts.data.cuts import Clip, load_samples
from mmtts.data.sampling import duration_bins
from mmtts.data.speech import SpeechData, WaveData
from mmtts.data.speech_batch import SpeechBatch
from mmtts.data.speech_dataset import REFERENCES, SpeechDataset
from mmtts.data.streaming.head import head, spread
from mmtts.data.streaming.manifest_reader import ManifestReader
from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.recorded_batch import RecordedBatch, analyze
from mmtts.data.streaming.shar_index import Shard, read_shards, read_speakers
from mmtts.data.streaming.shard_stream import ShardStream
from mmtts.data.streaming.speech_stream import SpeechStream
from mmtts.data.streaming.wave_stream import WaveStream
from mmtts.data.wave_dataset import WaveDataset

_STATISTICS_CLIPS, _STATISTICS_SHARDS = 300, 6


class StreamedSpeechData(SpeechData):
    """Batches for stage 1 out of ``speech/shar/``.

    Args:
        folder: prepared data folder, or its URL: ``s3://``, ``gs://``, ``http(s)://``.
        epoch_batches: of each process; ``None`` for about as many as read every clip once.
        buffer_size: clips that wait in the buckets of a worker, compressed: more mix better and
            take more memory, about 20 kB for every second.
        open_shards: read at a time by a worker.
        recent_seconds: length of the decoded clips that a worker keeps to be references; a clip of
            whose speaker none is kept has another crop of itself.
        valid_clips: at most so many are validated on.
        analyzed_by: ``"device"``, which trains, or ``"worker"``, which loads; where mels and pitch
            are measured.
        plain: as of `SpeechData`; ``cache_gib`` is for the clips that are validated on.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        epoch_batches: int | None = None,
        buffer_size: int = 2000,
        open_shards: int = 4,
        recent_seconds: float = 3600.0,
        valid_clips: int = 1000,
        analyzed_by: str = "device",
        **plain: Any,
    ) -> None:
        super().__init__(folder, **plain)
        if self.reference not in REFERENCES or analyzed_by not in ("device", "worker"):
            raise InputError(
                f"reference={self.reference!r} and analyzed_by={analyzed_by!r} must be one of "
                f"{', '.join(REFERENCES)} and one of device, worker."
            )
        self.location = os.fspath(folder)
        self.epoch_batches, self.buffer_size = epoch_batches, buffer_size
        self.open_shards, self.recent_seconds = open_shards, recent_seconds
        self.valid_clips, self.analyzed_by = valid_clips, analyzed_by
        self.analysis = MelSpectrogram(**self.mel)
        self.duration_bins: list[float] = []

    def prepare_data(self) -> None:
        """Nothing: the shards hold the phonemes."""

    def setup(self, stage: str | None = None) -> None:
        """Read the index, the speakers and a few shards from all over the training split."""
        self.speakers = self._speakers()
        indices = {speaker: index for index, speaker in enumerate(self.speakers)}
        shards = read_shards(self.location, "train")
        places = spread(shards, self.reader("train"), _STATISTICS_CLIPS, _STATISTICS_SHARDS)
        seconds = np.array([item.clip.seconds for items in places for item in items])
        self.duration_bins = duration_bins(seconds, self.num_buckets)
        self._measure_mels(places)
        self.report["train"] = _summary(shards) | {"speakers": len(self.speakers)}
        self.datasets["train"] = self._stream(shards, indices)
        for split in SPLITS_OF_STAGE.get(stage or "", ("valid",)):
            if split != "train":
                self.datasets[split] = self._held_out(split, indices)

    def reader(self, split: str) -> ManifestReader:
        """Return what reads the manifests of a split."""
        repeated = {"repeats": self.repeats, "speeds": self.speeds} if split == "train" else {}
        refuse = self.selection(split).refuse
        return ManifestReader(refuse, front_end=self.front_end, **repeated)  # type: ignore[arg-type]

    def train_dataloader(self) -> DataLoader:
        """Batches of an epoch; other ones in every epoch."""
        return _loader(self.datasets["train"], self.num_workers)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> SpeechBatch:
        """Measure mels and pitch of what comes as samples."""
        if isinstance(batch, RecordedBatch):
            return analyze(batch, self.analysis.to(batch.wav.device))
        return batch

    def _speakers(self) -> list[str]:
        """Name the training speakers, and those who they are at other speeds."""
        known = read_speakers(self.location)
        present = {name: s for name, s in known.items() if not name.startswith(self.leave_out)}
        faster = [
            f"{name}@{speed:g}"
            for name, speaker in present.items()
            for accent, speeds in self.speeds.items()
            if accent in speaker.accents
            for speed in speeds
        ]
        return sorted([*present, *faster])

    def _measure_mels(self, places: Sequence[Sequence[Planned]]) -> None:
        """Set `mel_mean` and `mel_std` from the first clips of some shards."""
        count = -(-_STATISTICS_CLIPS // len(places))
        decoded: list[Tensor] = []
        for items in places:
            samples = _decodable(items[:count], self.sample_rate)
            decoded += [self.analysis(torch.from_numpy(part)[None])[0] for part in samples]
        if not decoded:
            raise InputError(f"no clip of {self.location} can be decoded: prepare it again.")
        frames = torch.cat(decoded)
        self.mel_mean, self.mel_std = frames.mean(0), frames.std(0).clamp_min(1e-3)

    def _stream(self, shards: list[Shard], speakers: Mapping[str, int]) -> SpeechStream:
        rank, world_size = _processes(self)
        length = sum(shard.seconds for shard in shards) / self.batch_seconds / world_size
        return SpeechStream(
            shards,
            self.reader("train"),
            speakers,
            accents={accent: index for index, accent in enumerate(self.accents)},
            duration_bins=self.duration_bins,
            batch_seconds=self.batch_seconds,
            buffer_size=self.buffer_size,
            recent_seconds=self.recent_seconds,
            mel=self.mel,
            reference=self.reference,
            reference_seconds=self.reference_seconds,
            window_slack=self.window_slack,
            analyzes=self.analyzed_by == "worker",
            length=self.epoch_batches or max(1, int(length)),
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            workers=self.num_workers,
            open_shards=self.open_shards,
        )

    def _held_out(self, split: str, speakers: Mapping[str, int]) -> SpeechDataset:
        items = head(read_shards(self.location, split), self.reader(split), self.valid_clips)
        clips = [item.shard.take(item) for item in items]
        self.report[split] = {"clips": len(clips)}
        return SpeechDataset(
            clips,
            {item.clip.text: item.tokens for item in items},
            speakers,
            accents={accent: index for index, accent in enumerate(self.accents)},
            mel=self.mel,
            reference=self.reference,
            reference_seconds=self.reference_seconds,
            window_slack=self.window_slack,
            cache_gib=self.cache_gib,
            seed=self.seed,
        )


class StreamedWaveData(WaveData):
    """Batches for the vocoder out of ``speech/shar/``.

    Args:
        folder: prepared data folder, or its URL.
        epoch_batches: of each process; ``None`` for about as many as read every clip once.
        buffer_size: crops that wait to be drawn by a worker.
        open_shards: read at a time by a worker.
        valid_clips: at most so many are validated on.
        plain: as of `WaveData`; ``cache_gib`` is for the clips that are validated on.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        epoch_batches: int | None = None,
        buffer_size: int = 10000,
        open_shards: int = 4,
        valid_clips: int = 1000,
        **plain: Any,
    ) -> None:
        super().__init__(folder, **plain)
        self.location, self.epoch_batches = os.fspath(folder), epoch_batches
        self.buffer_size, self.open_shards = buffer_size, open_shards
        self.valid_clips = valid_clips

    def setup(self, stage: str | None = None) -> None:
        """Read the index of the training split, and the first clips of the others."""
        shards = read_shards(self.location, "train")
        self.report["train"] = _summary(shards)
        rank, world_size = _processes(self)
        crops = sum(shard.seconds for shard in shards) / self.crop_seconds
        reader = ManifestReader(self.selection("train").refuse, crop_seconds=self.crop_seconds)
        self.datasets["train"] = WaveStream(
            shards,
            reader,
            batch_size=self.batch_size,
            crop_seconds=self.crop_seconds,
            buffer_size=self.buffer_size,
            mel=self.mel,
            length=self.epoch_batches or max(1, int(crops / self.batch_size / world_size)),
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            workers=self.num_workers,
            open_shards=self.open_shards,
        )
        for split in SPLITS_OF_STAGE.get(stage or "", ("valid",)):
            if split != "train":
                self.datasets[split] = self._held_out(split)

    def train_dataloader(self) -> DataLoader:
        """Batches of an epoch; other ones in every epoch."""
        return _loader(self.datasets["train"], self.num_workers)

    def _held_out(self, split: str) -> WaveDataset:
        reader = ManifestReader(self.selection(split).refuse)
        items = head(read_shards(self.location, split), reader, self.valid_clips)
        clips: list[Clip] = [item.shard.take(item) for item in items]
        self.report[split] = {"clips": len(clips)}
        return WaveDataset(
            clips,
            crop_seconds=self.crop_seconds,
            mel=self.mel,
            cache_gib=self.cache_gib,
            seed=self.seed,
        )


def _loader(stream: ShardStream[Any], workers: int) -> DataLoader:
    """Return the loader of a stream, whose workers begin anew in every epoch."""
    return DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def _processes(data: ClipData) -> tuple[int, int]:
    """Rank of this process, and number of all."""
    trainer = data.trainer
    return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)


def _summary(shards: Sequence[Shard]) -> dict[str, Any]:
    """Count what a split has."""
    return {
        "shards": len(shards),
        "clips": sum(shard.clips for shard in shards),
        "seconds": round(sum(shard.seconds for shard in shards), 1),
    }


def _decodable(items: Sequence[Planned], sample_rate: int) -> Iterator[np.ndarray]:
    """Samples of the clips that can be decoded."""
    for item in items:
        clip = item.shard.take(item)
        try:
            yield load_samples(clip, sample_rate)
        except InputError:
            continue
