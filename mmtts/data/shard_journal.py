"""Shard journal: what was prepared of a shard, kept so that a killed process loses one clip.

`audio.tar` grows by one FLAC file per clip, `journal.jsonl` then by the line that says where it is.
Both are only ever appended to: the last line with an id counts, a line that a killed process left
half-written does not, and sound that no line tells of is overwritten.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple

from mmtts import InputError

JOURNAL, AUDIO = "journal.jsonl", "audio.tar"
_BLOCK = tarfile.BLOCKSIZE
Row = dict[str, Any]


class Entry(NamedTuple):
    """What is known of a clip: what it was prepared from, where its line is, whether it is bad."""

    source: str
    offset: int
    skipped: bool


class ShardJournal:
    """The journal of one shard, which one process at a time may open.

    Args:
        folder: Of the shard.

    Attributes:
        entries: id -> entry, of every clip that need not be looked at again.

    Raises:
        InputError: Another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self._lines = (folder / JOURNAL).open("a+b")
        self._tar: IO[bytes] | None = None
        self._end = 0  # of the sound that lines tell of
        try:
            lock(self._lines, folder)
            self._read()
        except BaseException:
            self._lines.close()
            raise

    def __enter__(self) -> ShardJournal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tar:
            self._tar.write(bytes(2 * _BLOCK))  # the end of an archive
            self._tar.close()
        self._lines.close()

    def append(self, row: Row, audio: bytes | None) -> None:
        """Keep a clip.

        Args:
            row: With `id` and `source`; with `skipped`, the reason, where it cannot be used.
            audio: A FLAC file; None where it cannot be used.
        """
        if audio is not None:
            row = {**row, "at": [self._append_audio(row["audio"], audio), len(audio)]}
        self._lines.seek(0, 2)
        offset = self._lines.tell()
        self._lines.write(json.dumps(row).encode() + b"\n")
        self._lines.flush()
        self.entries[row["id"]] = Entry(row["source"], offset, audio is None)

    def row(self, name: str) -> Row:
        """Read the row of a clip."""
        self._lines.seek(self.entries[name].offset)
        return dict(json.loads(self._lines.readline()))

    def _append_audio(self, name: str, audio: bytes) -> int:
        """Write a member of the archive; return where its content begins."""
        if self._tar is None:
            path = self.folder / AUDIO
            path.touch()
            self._tar = path.open("r+b")
            self._tar.truncate(self._end)
            self._tar.seek(self._end)
        info = tarfile.TarInfo(name)
        info.size = len(audio)
        header = info.tobuf()
        self._tar.write(header + audio + bytes(-len(audio) % _BLOCK))
        self._tar.flush()
        start = self._end + len(header)
        self._end = start + len(audio) + -len(audio) % _BLOCK
        return start

    def _read(self) -> None:
        tar = self.folder / AUDIO
        there = tar.stat().st_size if tar.exists() else 0
        lost = set()
        for offset, line in self._whole_lines():
            try:
                row = json.loads(line)
                name, source = row["id"], row["source"]
            except (ValueError, KeyError, TypeError):
                continue
            start, size = row.get("at", (0, 0))
            end = start + size + -size % _BLOCK
            self.entries[name] = Entry(source, offset, "at" not in row)
            if end <= there:
                self._end = max(self._end, end)
                lost.discard(name)
            else:
                lost.add(name)
        for name in lost:
            # A machine that went down kept the line and not the sound, whose place others now take.
            del self.entries[name]
            self._lines.write(json.dumps({"id": name, "source": ""}).encode() + b"\n")
        self._lines.flush()

    def _whole_lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield (offset, line), and cut off what follows the last whole line."""
        self._lines.seek(0)
        offset = 0
        for line in self._lines:
            if not line.endswith(b"\n"):
                self._lines.truncate(offset)
                return
            yield offset, line
            offset += len(line)


def lock(file: IO[bytes], folder: Path) -> None:
    """Let nobody else lock a file of a shard as long as it is open.

    Raises:
        InputError: Another process has locked it.
    """
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InputError(f"{folder} is being prepared by another process: wait for it") from error
    except OSError:  # a file system without locks; whoever starts a shard twice must know
        pass
