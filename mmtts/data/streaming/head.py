"""The head of a split: some of its clips in memory, for validation and statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mmtts import InputError
from mmtts.data.streaming.manifest_reader import ManifestReader
from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.shar_index import Shard


def head(shards: Sequence[Shard], reader: ManifestReader, count: int) -> list[Planned]:
    """Read the manifests of the first shards until there are enough clips.

    Raises:
        InputError: none can be used, or a shard cannot be read.
    """
    found: list[Planned] = []
    for shard in shards:
        if len(found) >= count:
            break
        found += reader.open(shard)
    return _some(found[:count], shards)


def spread(
    shards: Sequence[Shard], reader: ManifestReader, count: int, places: int
) -> list[list[Planned]]:
    """Read the manifests of some shards from all over a split.

    Args:
        shards: of the split.
        reader: of their manifests.
        count: clips that are wanted.
        places: how many shards, and more where these have too few clips.

    Raises:
        InputError: none of their clips can be used, or a shard cannot be read.
    """
    share = count / max(1, sum(shard.clips for shard in shards))
    step = -(-len(shards) // max(places, math.ceil(share * len(shards))))
    read = [reader.open(shard) for shard in shards[::step]]
    _some([item for items in read for item in items], shards)
    return [items for items in read if items]


def _some(found: list[Planned], shards: Sequence[Shard]) -> list[Planned]:
    if not found:
        raise InputError(
            f"no clip of {shards[0].cuts} and what follows can be used: see stage.data.max_seconds "
            "and min_seconds, transcribed_only and leave_out."
        )
    return found
