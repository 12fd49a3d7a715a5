"""The words whose pronunciation gruut's English lexicon knows, and where gruut looks them up."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

_VOWELS = frozenset("aeiouy")


def is_known(word: str) -> bool:
    """Tell whether the lexicon holds a word, in any case."""
    return word.lower() in _words()


def has_vowel(word: str) -> bool:
    """Tell whether a word can be spoken at all without naming its letters."""
    return not _VOWELS.isdisjoint(word.lower())


def index_lexicon() -> sqlite3.Connection:
    """Copy the lexicon into memory, 9 MB, with the index that its file lacks.

    Without it gruut goes through 129,000 rows for every word that it meets first, and through them
    several times for every word that is not there. The answers are the same.
    """
    memory = sqlite3.connect("file::memory:", uri=True)
    with _file() as path:
        memory.execute("ATTACH ? AS file", (f"{path.as_uri()}?mode=ro",))
        memory.execute(
            "CREATE TABLE word_phonemes AS "
            "SELECT word, pron_order, phonemes, role FROM file.word_phonemes"
        )
        memory.execute("DETACH file")
    memory.execute("CREATE INDEX by_word ON word_phonemes (word)")
    return memory


def _file() -> AbstractContextManager[Path]:
    return as_file(files("gruut_lang_en") / "lexicon.db")


@cache
def _words() -> frozenset[str]:
    with _file() as path:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT DISTINCT word FROM word_phonemes").fetchall()
        finally:
            connection.close()
    return frozenset(word.lower() for (word,) in rows)
