"""Phonemes: text into the symbols that the text encoder knows.

A text becomes ``<sil> word gap word gap ... word [punctuation] <sil>``: the phonemes of a word
stand together, and between two words stands exactly one gap token, a space or a punctuation mark.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd, Word, nothing_to_speak
from mmtts.text.symbols import BOUNDARY, GAPS, PAD, PUNCTUATION, SILENCE, SYMBOLS

__all__ = [
    "BOUNDARY",
    "GAPS",
    "PAD",
    "PUNCTUATION",
    "SILENCE",
    "SYMBOLS",
    "encode",
    "encode_symbols",
    "lay_words",
    "phonemize",
    "phonemize_words",
    "warn_of_left_out",
    "words_of",
]
_log = logging.getLogger(__name__)


def phonemize(text: str, front_end: FrontEnd = ENGLISH) -> list[str]:
    """Turn text into symbols.

    Args:
        text: In any Unicode characters; one sentence or a few.
        front_end: Of its language.

    Returns:
        Symbols of the front end, silence at both ends.

    Raises:
        InputError: the text holds nothing that can be spoken.
    """
    return lay_words(words_of(text, front_end))[0]


def lay_words(words: Sequence[Word]) -> tuple[list[str], list[range]]:
    """Lay words side by side.

    Args:
        words: At least one.

    Returns:
        Symbols, silence at both ends, and which of them are each word's own.
    """
    symbols, places = [SILENCE], []
    for index, word in enumerate(words):
        places.append(range(len(symbols), len(symbols) + len(word.phonemes)))
        symbols += word.phonemes
        if index + 1 < len(words):
            symbols.append(word.mark or BOUNDARY)
        elif word.mark:
            symbols.append(word.mark)
    return [*symbols, SILENCE], places


def phonemize_words(text: str, front_end: FrontEnd = ENGLISH) -> list[tuple[str, list[str]]]:
    """Return the spoken words in order, numbers written out, each with its phonemes.

    The k-th word owns the k-th run of symbols between gaps in ``phonemize(text)``.

    Raises:
        InputError: the text holds nothing that can be spoken.
    """
    return [(word.text, list(word.phonemes)) for word in words_of(text, front_end)]


def encode(text: str, front_end: FrontEnd = ENGLISH) -> list[int]:
    """Turn text into indices of the front end's symbols; raises as `phonemize`."""
    return encode_symbols(phonemize(text, front_end), front_end)


def encode_symbols(symbols: Iterable[str], front_end: FrontEnd = ENGLISH) -> list[int]:
    """Turn symbols into their indices.

    Raises:
        InputError: a symbol is not one of the front end's.
    """
    index = _index(front_end.symbols)
    try:
        return [index[symbol] for symbol in symbols]
    except KeyError as error:
        raise InputError(f"Unknown phoneme {error.args[0]!r}: see mmtts.text.SYMBOLS.") from error


@cache
def _index(symbols: tuple[str, ...]) -> dict[str, int]:
    return {symbol: index for index, symbol in enumerate(symbols)}


@lru_cache(maxsize=8192)
def words_of(text: str, front_end: FrontEnd = ENGLISH) -> tuple[Word, ...]:
    """Normalize and phonemize; at least one word, or it raises as `phonemize`."""
    warn_of_left_out(text, front_end)
    words = tuple(front_end.read_words(front_end.normalize(text)))
    if not words:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise nothing_to_speak(front_end, repr(shown))
    return words


def warn_of_left_out(text: str, front_end: FrontEnd = ENGLISH) -> None:
    """Say in one warning which letters of a text no rule can read."""
    if letters := front_end.left_out(text):
        _log.warning("%r cannot be pronounced and is left out.", letters)
