"""Clip store: decoded clips in a bounded piece of memory that all loader workers share."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np


def shared_zeros(size: int, dtype: Any) -> np.ndarray:
    """Return zeros (size,) that stay shared with the processes forked later.

    Anonymous memory: pages are taken when they are first written, and no file system limits it.
    """
    count = max(1, size) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, count), dtype)[:size]


class ClipStore:
    """Keeps what was put in, up to a limit; the first clips that fit have a place.

    Args:
        lengths: rows of each clip.
        width: numbers in a row.
        dtype: of a number.
        gib: the limit in GiB; pages that are never written cost nothing.
    """

    def __init__(self, lengths: Sequence[int], width: int, dtype: Any, gib: float) -> None:
        self.width, self.dtype = width, np.dtype(dtype)
        ends = np.cumsum(np.asarray(lengths, np.int64))
        rows = int(gib * 2**30) // (width * self.dtype.itemsize)
        self.places = int(np.searchsorted(ends, rows, side="right"))
        self.ends = ends[: self.places]
        self._allocate()

    def _allocate(self) -> None:
        rows = int(self.ends[-1]) if self.places else 0
        self._content = shared_zeros(rows * self.width, self.dtype).reshape(rows, self.width)
        self._ready = shared_zeros(self.places, np.uint8)

    def _rows(self, index: int) -> slice:
        return slice(int(self.ends[index - 1]) if index else 0, int(self.ends[index]))

    def get(self, index: int) -> np.ndarray | None:
        """Return the rows (length, width) of a clip, or ``None`` when they were not put in."""
        if index >= self.places or not self._ready[index]:
            return None
        return self._content[self._rows(index)]

    def put(self, index: int, rows: np.ndarray) -> None:
        """Keep the rows of a clip if it has a place."""
        if index < self.places:
            self._content[self._rows(index)] = rows
            # Set last: another worker reads the rows as soon as it sees the mark.
            self._ready[index] = 1

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker cannot inherit the memory and begins with an empty store of its own.
        return {k: v for k, v in self.__dict__.items() if k not in ("_content", "_ready")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._allocate()
