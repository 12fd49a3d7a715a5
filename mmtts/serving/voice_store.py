"""Saved voices: a folder of safetensors files and an SQLite index."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmtts import InputError
from mmtts.synthesis.voice import Voice

INDEX = "index.sqlite"
PREFIX = "voice_"
LONGEST_NAME = 64  # characters
_TABLE = """CREATE TABLE IF NOT EXISTS voices (
    id TEXT PRIMARY KEY,
    name TEXT UNIQUE NOT NULL,
    created_at INTEGER NOT NULL,
    similarity REAL NOT NULL
)"""


@dataclass(frozen=True)
class SavedVoice:
    """A line of the index.

    Attributes:
        id: Which nobody can guess.
        name: What people call it; the id where they gave none.
        created_at: Seconds since 1970.
        similarity: Cosine between the voice and what was heard of it, in [-1, 1].
    """

    id: str
    name: str
    created_at: int
    similarity: float


class VoiceStore:
    """Keeps voices; several threads may use it at once.

    A voice is biometric data, so folder and files are for their owner alone.

    Args:
        folder: Made where it is missing.

    Raises:
        InputError: The folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(f"cannot keep voices in {folder}: {error.strerror}") from error
        with self._index() as index:
            index.execute(_TABLE)

    def add(self, voice: Voice, name: str | None, similarity: float) -> SavedVoice:
        """Keep a voice.

        Raises:
            InputError: The name is taken, or the disk is full.
        """
        identity = PREFIX + secrets.token_hex(16)
        saved = SavedVoice(identity, name or identity, int(time.time()), similarity)
        path = voice.save(self._path(identity))
        try:
            path.chmod(0o600)
            with self._index() as index:
                index.execute(
                    "INSERT INTO voices VALUES (?, ?, ?, ?)",
                    (saved.id, saved.name, saved.created_at, saved.similarity),
                )
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, sqlite3.IntegrityError):
                raise InputError(
                    f"there is a voice named {name!r} already; choose another"
                ) from None
            raise
        return saved

    def find(self, name: str) -> SavedVoice | None:
        """Look a voice up by its id or its name."""
        with self._index() as index:
            row = index.execute(
                "SELECT id, name, created_at, similarity FROM voices WHERE id = ? OR name = ?",
                (name, name),
            ).fetchone()
        return SavedVoice(*row) if row else None

    def list(self) -> list[SavedVoice]:
        """All voices, the oldest first."""
        with self._index() as index:
            rows = index.execute(
                "SELECT id, name, created_at, similarity FROM voices ORDER BY created_at, rowid"
            ).fetchall()
        return [SavedVoice(*row) for row in rows]

    def load(self, saved: SavedVoice) -> Voice:
        """Read the voice of a line of the index.

        Raises:
            InputError: Its file is missing or damaged.
        """
        return Voice.load(self._path(saved.id))

    def read_bytes(self, saved: SavedVoice) -> bytes:
        """Read the file of a voice."""
        return self._path(saved.id).read_bytes()

    def delete(self, saved: SavedVoice) -> None:
        """Forget a voice."""
        with self._index() as index:
            index.execute("DELETE FROM voices WHERE id = ?", (saved.id,))
        self._path(saved.id).unlink(missing_ok=True)

    def _path(self, identity: str) -> Path:
        return self.folder / f"{identity}.safetensors"

    @contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        """Open the index; what the block changes stays only if it succeeds."""
        try:
            with closing(sqlite3.connect(self.folder / INDEX)) as connection, connection:
                yield connection
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise InputError(f"cannot use {self.folder / INDEX}: {error}") from error


def check_name(name: str) -> str:
    """Return the name of a voice without surrounding spaces.

    Raises:
        InputError: It is empty or too long, or could be taken for an id or a mix.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InputError(f"a voice's name has 1 to {LONGEST_NAME} characters of one line")
    if name.startswith(PREFIX) or not {"+", "(", ")", "/"}.isdisjoint(name):
        raise InputError(f"a voice's name has no + ( ) or / and does not begin with {PREFIX}")
    return name
