"""Shard stream: what the streams of stage 1 and of the vocoder share."""

from __future__ import annotations

import itertools
import logging
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from torch.utils.data import IterableDataset, get_worker_info

from mmtts import InputError
from mmtts.data.clip_store import shared_zeros
from mmtts.data.streaming.manifest_reader import ManifestReader
from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.plan import Place, interleaved, own_shards
from mmtts.data.streaming.shar_index import Shard

Batch = TypeVar("Batch", covariant=True)
_log = logging.getLogger(__name__)


class ShardStream(IterableDataset[Batch]):
    """Batches of shards that are read by the workers of all processes, each its own.

    The batches of an epoch are dealt to the workers in turn, so that a loader gives them in the
    same order in every run with as many processes and workers.

    Args:
        shards: of the split.
        reader: of their manifests.
        length: batches of an epoch, of one process.
        seed: of all that is drawn.
        rank: of this process among ``world_size``.
        world_size: number of training processes.
        workers: of the loader; 0 for none.
        open_shards: read at a time by a worker.
        turns: times that all shards are read in an epoch; ``None`` as often as ``length`` needs.

    Raises:
        InputError: there are fewer shards than workers.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        reader: ManifestReader,
        *,
        length: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        open_shards: int = 4,
        turns: int | None = None,
    ) -> None:
        self.shards, self.reader, self.length, self.seed = list(shards), reader, length, seed
        self.rank, self.world_size, self.workers = rank, world_size, max(1, workers)
        self.open_shards, self.turns = open_shards, turns
        self.epoch = self.first = 0
        readers = world_size * self.workers
        if len(self.shards) < readers:
            raise InputError(
                f"{len(self.shards)} shards are too few for {readers} loader workers (processes x "
                "stage.data.num_workers): have fewer workers, or smaller shards."
            )
        self._broken = shared_zeros(self.workers, np.int64)

    @property
    def broken(self) -> int:
        """How often a clip could not be decoded so far, by this process and its forked workers."""
        return int(self._broken.sum())

    @property
    def skipped(self) -> list[str]:
        """Nothing: broken clips are counted and named in the log, but not all remembered."""
        return []

    @property
    def clips(self) -> Any:
        """Refused: nobody can have a table of all clips.

        Raises:
            InputError: always.
        """
        raise InputError(
            "a stream has no table of clips, which a speaker encoder that stays fixed needs: train "
            "with style=learned, or by mmtts.data.speech.SpeechData."
        )

    def begin(self, epoch: int, first: int = 0) -> None:
        """Choose the epoch that the next iteration gives, and the batch at which it begins.

        Args:
            epoch: from 0.
            first: a multiple of the number of workers.
        """
        self.epoch, self.first = epoch, first

    def __len__(self) -> int:
        """Batches of an epoch, of one process."""
        return self.length

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        worker = info.id if info else 0
        place = Place(self.seed, self.epoch, self.rank, self.world_size, worker, self.workers)
        batches = self.plan(self._turns(place), place)
        work = self.work(place)
        for number in range(worker, self.length, self.workers):
            planned = next(batches, None)
            if planned is None:
                return
            if number < self.first:
                work.skip(planned)
            else:
                numbers = [self.seed, self.epoch, number * self.world_size + self.rank]
                yield work.load(planned, np.random.default_rng(numbers))

    def _turns(self, place: Place) -> Iterator[Iterator[Planned]]:
        """The clips of one turn after another."""
        rng = place.draws(0)
        for turn in itertools.count() if self.turns is None else range(self.turns):
            shards = own_shards(self.shards, place, turn)
            yield interleaved(shards, self.reader.open, self.open_shards, rng)

    def note_broken(self, error: InputError, worker: int) -> None:
        """Count a clip that could not be decoded, and name it in the log."""
        self._broken[worker] += 1
        _log.warning("%s It is skipped.", error)

    @abstractmethod
    def plan(self, turns: Iterator[Iterator[Planned]], place: Place) -> Iterator[list[Planned]]:
        """Put the clips of one turn after another into batches."""

    @abstractmethod
    def work(self, place: Place) -> Any:
        """Return what loads a worker's batches: ``skip(planned)`` and ``load(planned, rng)``."""
