"""The plan of a stream: which clips form which batch, out of manifests alone.

All follows from (seed, epoch, rank, worker), and needs no audio: so a resumed run skips what it has
trained on for the price of reading manifests. An epoch is made of turns: a turn is all shards in a
new order, each of them read by one worker of one process, and every clip once. Whoever is through
with its shards goes on with the next turn, so that all processes have as many batches as they are
asked for.
"""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.shar_index import Shard

T = TypeVar("T")


class Place(NamedTuple):
    """One reader among all: worker of a process, process among all, in an epoch of a run."""

    seed: int
    epoch: int
    rank: int
    world_size: int
    worker: int
    workers: int

    def draws(self, purpose: int) -> random.Random:
        """Random numbers of this reader alone, other ones for every purpose."""
        words = [self.seed, self.epoch, self.rank, self.worker, purpose]
        return random.Random(int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0]))


def own_shards(shards: Sequence[Shard], place: Place, turn: int) -> list[Shard]:
    """Return the shards that one reader has in a turn, in their order.

    Args:
        shards: all of the split.
        place: the reader.
        turn: from 0 in every epoch.
    """
    order = np.random.default_rng([place.seed, place.epoch, turn]).permutation(len(shards))
    own = order[place.rank :: place.world_size][place.worker :: place.workers]
    return [shards[index] for index in own.tolist()]


def interleaved(
    shards: Sequence[Shard],
    read: Callable[[Shard], list[Planned]],
    width: int,
    rng: random.Random,
) -> Iterator[Planned]:
    """Yield the clips of several shards at once, in order within each of them.

    Args:
        shards: to read.
        read: gives the clips of one.
        width: how many are open at a time.
        rng: draws whose clip comes next.
    """
    opened: list[Iterator[Planned]] = []
    waiting = iter(shards)
    while True:
        opened += [iter(read(shard)) for shard in itertools.islice(waiting, width - len(opened))]
        if not opened:
            return
        place = rng.randrange(len(opened))
        planned = next(opened[place], None)
        if planned is None:
            del opened[place]
        else:
            yield planned


def bucketed(
    clips: Iterator[Planned],
    batch_seconds: float,
    duration_bins: list[float],
    buffer_size: int,
    seed: int,
) -> Iterator[list[Planned]]:
    """Yield batches of clips of about the same length, by Lhotse's ``DynamicBucketingSampler``.

    The same workers of all processes choose from the same bucket wherever they can, so that no
    process waits for one with longer clips.

    Args:
        clips: the stream.
        batch_seconds: total length of a batch.
        duration_bins: bounds of the buckets in seconds.
        buffer_size: clips that wait in the buckets.
        seed: of what is drawn from a bucket.
    """
    from lhotse import MonoCut
    from lhotse.dataset import DynamicBucketingSampler

    waiting: dict[str, Planned] = {}

    class Lengths:
        """The stream as Lhotse sees it."""

        def __iter__(self) -> Iterator[MonoCut]:
            for number, planned in enumerate(clips):
                waiting[str(number)] = planned
                yield MonoCut(str(number), start=0.0, duration=planned.clip.seconds, channel=0)

    with warnings.catch_warnings():
        # It takes a small buffer for a mistake; batches of few clips show in the padding alone.
        warnings.filterwarnings("ignore", message="Your 'buffer_size' setting")
        sampler = DynamicBucketingSampler(
            Lengths(),
            max_duration=batch_seconds,
            duration_bins=duration_bins,
            buffer_size=buffer_size,
            shuffle=True,
            seed=seed,
            rank=0,  # the shards are shared out already
            world_size=1,
        )
        for batch in sampler:
            yield [waiting.pop(cut.id) for cut in batch]


def pooled(
    clips: Iterator[T], batch_size: int, buffer_size: int, rng: random.Random
) -> Iterator[list[T]]:
    """Yield batches drawn from a pool, whose places are filled again from the stream.

    Args:
        clips: the stream.
        batch_size: how many; the last batch of a stream that ends may have fewer.
        buffer_size: how many wait in the pool.
        rng: draws.
    """
    pool = list(itertools.islice(clips, buffer_size))
    while pool:
        batch: list[T] = []
        while pool and len(batch) < batch_size:
            place = rng.randrange(len(pool))
            batch.append(pool[place])
            following = next(clips, None)
            if following is None:
                following = pool[-1]
                pool.pop()
            if place < len(pool):
                pool[place] = following
        yield batch
