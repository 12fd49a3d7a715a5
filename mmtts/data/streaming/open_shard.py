"""Open shard: the clips of a shard, and their audio out of a tar that is read once."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.cuts import Clip
from mmtts.data.streaming.remote_files import Patience, open_file
from mmtts.data.streaming.shar_index import Shard

_BUFFER = 2**20  # bytes
_LARGEST = 2**28  # bytes of a clip


class Planned(NamedTuple):
    """A clip that will come, without its audio.

    Attributes:
        clip: what is known of it; its source is empty.
        tokens: uint8 (N,) indices of symbols, or ``None``.
        row: its place in the shard.
        shard: where the audio is.
    """

    clip: Clip
    tokens: np.ndarray | None
    row: int
    shard: OpenShard


class OpenShard:
    """Hands out the audio of planned clips in any order, reading the tar from front to back.

    What was read and not yet taken waits in memory: no more than the clips that are planned. What
    is dropped before it was reached is not kept, and a shard of which all is dropped is not opened.

    Args:
        shard: what to read.
    """

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self._uses: Counter[int] = Counter()
        self._held: dict[int, tuple[str, bytes]] = {}
        self._rows: Iterator[tuple[int, str, bytes]] | None = None

    def expect(self, rows: Iterable[int]) -> None:
        """Say which clips will be taken or dropped, each as often as it is named."""
        self._uses.update(rows)

    def take(self, planned: Planned) -> Clip:
        """Return a clip with its audio.

        Raises:
            InputError: the tar is missing, broken or that of another manifest.
        """
        if self._rows is None:
            self._rows = self._read()
        while planned.row not in self._held:
            found = next(self._rows, None)
            if found is None:
                raise InputError(f"{self.shard.recording} ends before clip {planned.clip.id!r}.")
            self._held[found[0]] = found[1:]
        name, data = self._held[planned.row]
        if name != planned.clip.id and not planned.clip.id.startswith(f"{name}@"):  # of `played`
            raise InputError(
                f"{self.shard.recording} has {name!r} where {self.shard.cuts} has "
                f"{planned.clip.id!r}: export the shard again."
            )
        self.drop(planned)
        return replace(planned.clip, source=data)

    def drop(self, planned: Planned) -> None:
        """Do without the audio of a clip."""
        self._uses[planned.row] -= 1
        if self._uses[planned.row] <= 0:
            del self._uses[planned.row]
            self._held.pop(planned.row, None)
        if not self._uses:
            self._rows = None  # closes the tar

    def _read(self) -> Iterator[tuple[int, str, bytes]]:
        """Row, id and audio of the clips that are wanted; after a failure it reads again."""
        done, patience = -1, Patience(self.shard.recording)
        while True:
            try:
                with (
                    open_file(self.shard.recording) as file,
                    tarfile.open(fileobj=file, mode="r|", bufsize=_BUFFER) as tar,
                ):
                    for place, member in enumerate(tar):
                        row, is_metadata = divmod(place, 2)
                        if is_metadata or row <= done or row not in self._uses:
                            continue
                        name, data = _content(tar, member)
                        # What was read since the last failure is worth new patience.
                        done, patience = row, Patience(self.shard.recording)
                        yield row, name, data
                return
            except Exception as error:
                patience.failed(error)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, bytes]:
    """Id and audio of a clip."""
    file = tar.extractfile(member) if member.isreg() and member.size <= _LARGEST else None
    if file is None:
        raise ValueError(f"{member.name!r} is no file of audio")
    data = file.read()
    return member.name.rpartition(".")[0], data
