"""The words whose pronunciation gruut's English lexicon knows."""

from __future__ import annotations

import sqlite3
from functools import cache
from importlib.resources import as_file, files

_VOWELS = frozenset("aeiouy")


def is_known(word: str) -> bool:
    """Tell whether the lexicon holds a word, in any case."""
    return word.lower() in _words()


def has_vowel(word: str) -> bool:
    """Tell whether a word can be spoken at all without naming its letters."""
    return not _VOWELS.isdisjoint(word.lower())


@cache
def _words() -> frozenset[str]:
    with as_file(files("gruut_lang_en") / "lexicon.db") as path:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT DISTINCT word FROM word_phonemes").fetchall()
        finally:
            connection.close()
    return frozenset(word.lower() for (word,) in rows)
