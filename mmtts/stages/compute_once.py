"""A frozen table is computed once, however many processes train: each computes its share.

The processes write their shares beside the table, the first one puts them together, and all map
the same file into memory. While they wait they look at the disk: whoever waited in a collective
would be given up by it after some minutes. A share that is done outlives a run that was stopped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch import distributed as dist

from mmtts import InputError
from mmtts.data.frozen import LARGE, frozen, frozen_path, halved, read_frozen
from mmtts.losses.gathering import processes
from mmtts.storage.atomic import atomic_write

logger = logging.getLogger(__name__)

BLOCK = 64  # rows that are dealt together
PATIENCE, DAY = 1800.0, 86400.0  # s; the first beside some times what the own share took
_LOOK_SECONDS = 0.2

Compute = Callable[[torch.device, np.ndarray], np.ndarray]


def compute_once(
    strategy: Strategy | None,
    folder: Path,
    name: str,
    parts: Iterable[str],
    count: int,
    compute: Compute,
) -> np.ndarray:
    """Return what `compute` returns of all rows, computed now or at an earlier time.

    Args:
        strategy: Says where to compute; None for the CPU.
        folder: The prepared data folder.
        name: Beginning of the file name.
        parts: Everything that the result depends on.
        count: How many rows there are.
        compute: Called with the device and the numbers of rows, ascending; returns these rows. Of
            several processes each is asked for whole blocks of `BLOCK` rows.

    Returns:
        The array (count, ...), to be read alone.

    Raises:
        InputError: Another process does not come with its share.
    """
    device = torch.device("cpu") if strategy is None else strategy.root_device
    key = list(parts)
    if strategy is None or processes() == 1:
        return frozen(folder, name, key, lambda: compute(device, np.arange(count)))
    path = frozen_path(folder, name, key)
    if not strategy.reduce_boolean_decision(path.is_file()):
        if _see_one_disk(strategy, path):
            _compute_together(path, count, lambda rows: compute(device, rows))
        else:  # each machine for itself
            if strategy.local_rank == 0:  # type: ignore[attr-defined]
                frozen(folder, name, key, lambda: compute(device, np.arange(count)))
            _wait_for([path], DAY)
        strategy.barrier(name)
    return read_frozen(path)


def share_of(rank: int, world: int, count: int) -> np.ndarray:
    """Rows of one of several processes, int64 ascending: every `world`-th block of `BLOCK`."""
    rows = np.arange(count)
    return rows[rows // BLOCK % world == rank]


def _see_one_disk(strategy: Strategy, path: Path) -> bool:
    """Whether all processes see what the first one writes."""
    probe = path.with_suffix(".probe")
    if strategy.is_global_zero:
        with atomic_write(probe) as temporary:
            temporary.touch()
    strategy.barrier("probe")
    shared = strategy.reduce_boolean_decision(probe.is_file())
    if strategy.is_global_zero:
        probe.unlink()
    return shared


def _compute_together(path: Path, count: int, compute: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write the own share; in the first process, the table of all shares."""
    rank, world = dist.get_rank(), processes()
    shares = [path.with_suffix(f".{k}-of-{world}.npy") for k in range(world)]
    started = time.monotonic()
    mine = share_of(rank, world, count)
    if len(mine) and not shares[rank].is_file():
        values = compute(mine)
        with atomic_write(shares[rank]) as temporary:
            np.save(temporary, values, allow_pickle=False)
    patience = PATIENCE + 10 * (time.monotonic() - started)
    if rank == 0:
        needed = [share for k, share in enumerate(shares) if len(share_of(k, world, count))]
        _wait_for(needed, patience)
        _put_together(path, count, world, needed)
    _wait_for([path], 2 * patience)


def _put_together(path: Path, count: int, world: int, shares: Sequence[Path]) -> None:
    """Write the table out of its shares, and remove these."""
    parts = [read_frozen(share) for share in shares]
    if sum(part.nbytes for part in parts) > LARGE:  # as `frozen` stores such tables
        parts = [halved(part) for part in parts]
    kind = np.result_type(*parts)
    with atomic_write(path) as temporary:
        table = np.lib.format.open_memmap(
            temporary, "w+", dtype=kind, shape=(count, *parts[0].shape[1:])
        )
        for rank, part in enumerate(parts):
            table[share_of(rank, world, count)] = part
        table.flush()
        del table
    for share in shares:
        share.unlink()


def _wait_for(paths: Sequence[Path], seconds: float) -> None:
    """Wait until files are there.

    Raises:
        InputError: One of them is still missing after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while missing := [path for path in paths if not path.is_file()]:
        if time.monotonic() > deadline:
            raise InputError(
                f"{missing[0]} was not written by the process that computes it; see what became "
                "of that one, and start again with resume=true"
            )
        time.sleep(_LOOK_SECONDS)
