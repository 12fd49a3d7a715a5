"""Sampling of pairs: which rows form which batch, by seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler


class EpochBatches(Sampler[list[int]]):
    """Lists of row numbers; every process gets an equal share of each batch.

    Args:
        count: Number of rows.
        batch_size: Rows in a batch, of one process.
        shuffle: Another order in every epoch; the last, smaller batch is then left out.
        seed: Of the order.
        rank: Of this process among `world_size`.
        world_size: Number of training processes.
        weights: float (count,), how often a row comes up in shuffled batches, relative to the
            others; None for every row once.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        weights: np.ndarray | None = None,
    ) -> None:
        self.weights = None if weights is None else weights / weights.sum()
        self.count, self.shuffle, self.seed = count, shuffle, seed
        self.batch_size = batch_size
        self.rank, self.world_size = rank, world_size
        self.epoch = 0

    @classmethod
    def of(cls, data: Any, count: int, batch_size: int, **options: Any) -> EpochBatches:
        """The sampler for a data module, which knows its trainer's processes."""
        rank, world_size = ranks_of(data)
        return cls(count, batch_size, rank=rank, world_size=world_size, **options)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it before each one."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        order = np.arange(self.count)
        if self.shuffle:
            generator = np.random.default_rng([self.seed, self.epoch])
            if self.weights is not None:
                order = _resample(self.weights, generator)
            order = generator.permutation(order)
        size = self.batch_size * self.world_size
        for number in range(len(self)):
            rows = order[number * size : (number + 1) * size]
            # Too few for equal shares are filled up from the start of the batch.
            share = -(-len(rows) // self.world_size)
            yield np.resize(rows, (self.world_size, share))[self.rank].tolist()

    def __len__(self) -> int:
        """Count the batches of this process."""
        size = self.batch_size * self.world_size
        return max(1, self.count // size) if self.shuffle else -(-self.count // size)


def ranks_of(data: Any) -> tuple[int, int]:
    """Rank of this process, and the number of processes that train with a data module."""
    trainer = getattr(data, "trainer", None)
    return (trainer.global_rank, trainer.world_size) if trainer else (0, 1)


class NumberedBatches(Sampler[tuple[int, list[int]]]):
    """Batches with the number of their epoch, for data that draws anew in each.

    Args:
        batches: Whose row numbers are passed on.
    """

    def __init__(self, batches: EpochBatches) -> None:
        self.batches = batches

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it before each one."""
        self.batches.set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[int, list[int]]]:
        return ((self.batches.epoch, rows) for rows in self.batches)

    def __len__(self) -> int:
        """Count the batches of this process."""
        return len(self.batches)


class AlternatingBatches(Sampler[tuple[str, list[int]]]):
    """Batches of one modality after the other, the same ones for the same seed and epoch.

    Args:
        samplers: Modality -> its batches, of which every process has a share. Each gives an epoch
            equally many, the shorter ones going round.
        count: Batches of each modality in an epoch; None for as many as the longest has.
    """

    def __init__(self, samplers: dict[str, EpochBatches], count: int | None = None) -> None:
        self.samplers, self.epoch = samplers, 0
        self.count = count or max(len(sampler) for sampler in samplers.values())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch; Lightning calls it before each one."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[str, list[int]]]:
        streams = {name: self._endless(sampler) for name, sampler in self.samplers.items()}
        for _ in range(self.count):
            for name, stream in streams.items():
                yield name, next(stream)

    def _endless(self, sampler: EpochBatches) -> Iterator[list[int]]:
        """Pass after pass; the passes of all epochs are distinct."""
        passes = -(-self.count // len(sampler))
        for k in range(passes):
            sampler.set_epoch(self.epoch * passes + k)
            yield from sampler

    def __len__(self) -> int:
        """Count the batches of an epoch, of this process."""
        return self.count * len(self.samplers)


def _resample(weights: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Take as many rows as there are weights, each as often as its share of them asks, +-1.

    Steps of equal length through the summed weights (systematic resampling, Carpenter et al.
    1999): rows of equal weight come up once each.
    """
    steps = (np.arange(len(weights)) + generator.random()) / len(weights)
    # The last sum may miss 1 by a rounding error.
    return np.searchsorted(weights.cumsum()[:-1], steps, side="right")


def balanced_weights(codes: np.ndarray, power: float) -> np.ndarray:
    """Weights that let rare rows come up more often.

    Args:
        codes: (n, K); rows with equal codes are of one kind.
        power: 0 leaves the rows as frequent as they are, 1 makes all kinds equally frequent.

    Returns:
        float (n,): (how many rows are of its kind) ** -power.
    """
    kinds = np.zeros(len(codes), np.int64)
    for column in codes.T:  # one number for each row, which sorts faster than rows do
        _, place = np.unique(column, return_inverse=True)
        kinds = kinds * (place.max(initial=0) + 1) + place
    _, kind, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    return counts[kind.reshape(-1)].astype(np.float64) ** -power


def epoch_loader(
    module: Any, data: Dataset[Any], *, shuffle: bool, numbered: bool = False
) -> DataLoader:
    """Loader of a data module's rows in whole batches.

    Args:
        module: The data module, with its `batch_size`, `seed` and `num_workers`.
        data: Rows; takes lists of row numbers.
        shuffle: See `EpochBatches`.
        numbered: Whether the data wants to know the epoch too, see `NumberedBatches`.
    """
    rows = len(data)  # type: ignore[arg-type]
    batches = EpochBatches.of(module, rows, module.batch_size, shuffle=shuffle, seed=module.seed)
    sampler: Sampler[Any] = NumberedBatches(batches) if numbered else batches
    return DataLoader(data, batch_size=None, sampler=sampler, num_workers=module.num_workers)
