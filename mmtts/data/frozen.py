"""Frozen outputs: what a network that no longer learns says about fixed inputs, computed once.

A table lies in `<data folder>/frozen/` under a key made of everything that decides its content: the
weights' hash and each input's identity. Nothing is ever looked up by a name alone, so changed
weights or files make a new table instead of a wrong one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.columns import Strings
from mmtts.storage.atomic import atomic_write

logger = logging.getLogger(__name__)

LARGE = 2**28  # bytes of float32


class Aligned(NamedTuple):
    """Rows of a table for the items of a dataset, read when a batch wants them.

    Attributes:
        values: (m, ...), perhaps in half precision and on the disk.
        rows: int32 (n,), the row of each item; items may share one.
    """

    values: np.ndarray
    rows: np.ndarray

    def take(self, items: Any, view: Any = None) -> np.ndarray:
        """The rows of these items, or of each the part with the number `view`."""
        rows = self.rows[items]
        return _whole(self.values[rows] if view is None else self.values[rows, view])


class Table(NamedTuple):
    """One row of numbers for each id.

    Attributes:
        name: What the rows are, for messages.
        ids: n distinct ids.
        values: (n, ...), perhaps in half precision and on the disk.
    """

    name: str
    ids: Sequence[str]
    values: np.ndarray

    def take(self, ids: Iterable[str]) -> np.ndarray:
        """Rows of these ids, in this order, repetitions allowed; half precision becomes float32.

        Raises:
            InputError: An id has no row.
        """
        return _whole(self.values[self.along(ids).rows])

    def along(self, ids: Iterable[str]) -> Aligned:
        """The rows of these ids, not read yet.

        Raises:
            InputError: An id has no row.
        """
        wanted = ids if isinstance(ids, Strings) else Strings.of(ids)
        place = {id_: row for row, id_ in enumerate(self.ids)}
        rows = wanted.each(lambda id_: place.get(id_, -1), np.int32)
        absent = np.flatnonzero(rows < 0)
        if len(absent):
            raise InputError(
                f"{len(absent)} of {len(wanted)} items have no {self.name}, among them "
                f"{wanted[int(absent[0])]!r}; prepare the data folder again"
            )
        return Aligned(self.values, rows)

    def view(self, number: int) -> Table:
        """One view of values (n, V, ...): (n, ...)."""
        return Table(self.name, self.ids, self.values[:, number])


def _whole(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) if values.dtype == np.float16 else values


def file_identity(folder: Path, path: str) -> str:
    """Name, size and time of a file: changes whenever the file does.

    Raises:
        InputError: The file is missing.
    """
    try:
        status = (folder / path).stat()
    except OSError as error:
        raise InputError(f"{folder / path} is missing; prepare the data folder again") from error
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def key_of(parts: Iterable[str]) -> str:
    """Hash of a list of strings, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()[:16]


def frozen(
    folder: Path, name: str, parts: Iterable[str], compute: Callable[[], np.ndarray]
) -> np.ndarray:
    """Return what `compute` returns, from the disk when it was computed before.

    Args:
        folder: The prepared data folder.
        name: Beginning of the file name, for people.
        parts: Everything that the result depends on, as strings.
        compute: Called at most once; gives an array of numbers.

    Returns:
        The array, as computed. One of more than `LARGE` bytes stays on the disk, mapped into the
        memory and in half precision, where that can hold its numbers.
    """
    path = frozen_path(folder, name, parts)
    if path.exists():
        try:
            return read_frozen(path)
        except (OSError, ValueError) as error:
            logger.warning("%s is damaged (%s) and is computed again", path, error)
    values = compute()
    large = values.nbytes > LARGE
    with atomic_write(path) as temporary:
        np.save(temporary, halved(values) if large else values, allow_pickle=False)
    return read_frozen(path) if large else values


def halved(values: np.ndarray) -> np.ndarray:
    """Numbers in half precision; as they are where they would overflow or are whole numbers."""
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16)
    return halves if np.isfinite(halves).all() else values


def frozen_path(folder: Path, name: str, parts: Iterable[str]) -> Path:
    """Where a table lies; arguments as for `frozen`."""
    return folder / "frozen" / f"{name}-{key_of(parts)}.npy"


def read_frozen(path: Path) -> np.ndarray:
    """Map a table into memory, which all processes of a machine then share; it cannot be written.

    Raises:
        OSError, ValueError: There is none, or it is damaged.
    """
    return np.load(path, mmap_mode="r", allow_pickle=False)


def read_teacher(folder: Path) -> Table | None:
    """The face teacher's embeddings `face_teacher.npz` of a prepared folder; None without one.

    Raises:
        InputError: The file is damaged.
    """
    path = folder / "face_teacher.npz"
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            ids, values = file["id"], file["embedding"]
            if values.dtype != np.float16 or 2 * values.nbytes <= LARGE:
                values = values.astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no table of face embeddings: {error}") from error
    if values.ndim != 2 or len(ids) != len(values) or not np.isfinite(values).all():
        raise InputError(f"{path} must hold one row of finite numbers for each id")
    return Table("face teacher embedding", [str(id_) for id_ in ids], values)
