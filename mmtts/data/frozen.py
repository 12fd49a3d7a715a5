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
from typing import NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.storage.atomic import atomic_write

logger = logging.getLogger(__name__)


class Table(NamedTuple):
    """One row of numbers for each id.

    Attributes:
        name: What the rows are, for messages.
        ids: n distinct ids.
        values: (n, ...).
    """

    name: str
    ids: Sequence[str]
    values: np.ndarray

    def take(self, ids: Iterable[str]) -> np.ndarray:
        """Rows of these ids, in this order, repetitions allowed.

        Raises:
            InputError: An id has no row.
        """
        place = {id_: row for row, id_ in enumerate(self.ids)}
        wanted = list(ids)
        absent = [id_ for id_ in wanted if id_ not in place]
        if absent:
            raise InputError(
                f"{len(absent)} of {len(wanted)} items have no {self.name}, among them "
                f"{absent[0]!r}; prepare the data folder again"
            )
        return self.values[[place[id_] for id_ in wanted]]


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
        The array, as computed.
    """
    path = frozen_path(folder, name, parts)
    if path.exists():
        try:
            return read_frozen(path)
        except (OSError, ValueError) as error:
            logger.warning("%s is damaged (%s) and is computed again", path, error)
    values = compute()
    with atomic_write(path) as temporary:
        np.save(temporary, values, allow_pickle=False)
    return values


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
            ids, values = file["id"], file["embedding"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no table of face embeddings: {error}") from error
    if values.ndim != 2 or len(ids) != len(values) or not np.isfinite(values).all():
        raise InputError(f"{path} must hold one row of finite numbers for each id")
    return Table("face teacher embedding", [str(id_) for id_ in ids], values)
