"""Sampling: which clips form which batch, by seed and epoch alone."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """One batch to load: its epoch and number (for random crops) and the indices of its clips."""

    epoch: int
    number: int
    clips: tuple[int, ...]


class _EpochSampler(Sampler[Draw]):
    """What both samplers share: Lightning calls `set_epoch` before every epoch."""

    def __init__(self, *, shuffle: bool, seed: int, rank: int, world_size: int) -> None:
        self.shuffle, self.seed = shuffle, seed
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self._length: int | None = None

    def plan(self, epoch: int) -> list[tuple[int, ...]]:
        """Return this rank's batches of an epoch, as indices of clips."""
        raise NotImplementedError

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; without shuffling every epoch is the first one."""
        self.epoch = epoch if self.shuffle else 0

    def __iter__(self) -> Iterator[Draw]:
        for number, clips in enumerate(self.plan(self.epoch)):
            yield Draw(self.epoch, number * self.world_size + self.rank, clips)

    def __len__(self) -> int:
        """Count the batches of the first epoch; another one may have a few more or less."""
        if self._length is None:
            self._length = len(self.plan(0))
        return self._length


class BucketSampler(_EpochSampler):
    """Batches of clips of about the same length, by Lhotse's ``DynamicBucketingSampler``.

    Args:
        seconds: length of each clip.
        batch_seconds: total length of a batch.
        repeats: how often each clip comes in an epoch; once unless said.
        shuffle: another order in every epoch.
        seed: of the order.
        rank: of this process among ``world_size``; each has batches of its own, and as many.
        world_size: number of training processes.
        num_buckets: more buckets, less padding. A small corpus gets fewer, so that its batches are
            not cut short.
    """

    def __init__(
        self,
        seconds: Sequence[float],
        batch_seconds: float,
        *,
        repeats: Sequence[int] | None = None,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        num_buckets: int = 30,
    ) -> None:
        from lhotse import CutSet, MonoCut

        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world_size=world_size)
        self.batch_seconds = batch_seconds
        clips = np.repeat(np.arange(len(seconds)), repeats if repeats is not None else 1)
        lengths = np.asarray(seconds, np.float64)[clips]
        count = min(num_buckets, 2 * math.ceil(lengths.sum() / batch_seconds))
        self.duration_bins = duration_bins(lengths, count)
        self.cuts = CutSet.from_cuts(
            MonoCut(id=f"{index} {turn}", start=0.0, duration=float(seconds[index]), channel=0)
            for turn, index in enumerate(clips.tolist())
        )

    def plan(self, epoch: int) -> list[tuple[int, ...]]:
        """Return this rank's batches of an epoch, as indices of clips."""
        from lhotse.dataset import DynamicBucketingSampler

        with warnings.catch_warnings():
            # It recommends lazy manifests; here the durations are in memory anyway.
            warnings.filterwarnings("ignore", message=".*eagerly read CutSet")
            sampler = DynamicBucketingSampler(
                self.cuts,
                max_duration=self.batch_seconds,
                duration_bins=self.duration_bins,
                buffer_size=max(20000, len(self.cuts)),
                shuffle=self.shuffle,
                seed=self.seed,
                rank=self.rank,
                world_size=self.world_size,
            )
        sampler.set_epoch(epoch)
        return [tuple(int(cut.id.split()[0]) for cut in batch) for batch in sampler]


def duration_bins(seconds: np.ndarray, num_buckets: int) -> list[float]:
    """Return up to ``num_buckets - 1`` bounds in seconds; the buckets hold about equally much.

    Args:
        seconds: length of each clip (N,).
        num_buckets: wanted; clips of equal lengths make fewer.
    """
    lengths = np.sort(seconds)
    total = lengths.cumsum()
    shares = total[-1] * np.arange(1, num_buckets) / num_buckets
    return np.unique(lengths[np.searchsorted(total, shares)]).tolist()


class CropSampler(_EpochSampler):
    """Batches of a fixed number of crops, each clip as often as it is long.

    Args:
        seconds: length of each clip.
        crop_seconds: a clip is drawn once per epoch for every such stretch, at least once.
        batch_size: crops in a batch, of one process.
        shuffle: another order in every epoch.
        seed: of the order.
        rank: of this process among ``world_size``; each has batches of its own, and as many.
        world_size: number of training processes.
    """

    def __init__(
        self,
        seconds: Sequence[float],
        crop_seconds: float,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(shuffle=shuffle, seed=seed, rank=rank, world_size=world_size)
        self.batch_size = batch_size
        times = np.maximum(1, np.floor(np.asarray(seconds) / crop_seconds)).astype(np.int64)
        self.clips = np.repeat(np.arange(len(seconds)), times)

    def plan(self, epoch: int) -> list[tuple[int, ...]]:
        """Return this rank's batches of an epoch, as indices of clips."""
        order = self.clips
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        # Repeated from the start, so that every process has equally many full batches.
        size = self.batch_size * self.world_size
        order = np.resize(order, math.ceil(len(order) / size) * size)
        batches = order.reshape(-1, self.batch_size)[self.rank :: self.world_size]
        return [tuple(batch) for batch in batches.tolist()]
