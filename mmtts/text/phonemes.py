"""Phonemes: English text into the symbols that the text encoder knows.

A text becomes ``<sil> word gap word gap ... word [punctuation] <sil>``: the phonemes of a word
stand together, and between two words stands exactly one gap token, a space or a punctuation mark.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from mmtts import InputError
from mmtts.text.characters import left_out
from mmtts.text.normalization import MARKS, normalize_text

PAD, SILENCE, BOUNDARY = "<pad>", "<sil>", " "
PUNCTUATION = tuple(MARKS)
_CONSONANTS = (
    "b",
    "d",
    "d͡ʒ",
    "f",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "s",
    "t",
    "t͡ʃ",
    "v",
    "w",
    "z",
    "ð",
    "ŋ",
    "ɡ",
    "ɹ",
    "ʃ",
    "ʒ",
    "θ",
)
_VOWELS = ("aɪ", "aʊ", "eɪ", "i", "oʊ", "u", "æ", "ɑ", "ɔ", "ɔɪ", "ə", "ɚ", "ɛ", "ɪ", "ʊ", "ʌ")
_STRESSES = ("", "ˈ", "ˌ")
SYMBOLS: tuple[str, ...] = (
    PAD,
    SILENCE,
    BOUNDARY,
    *PUNCTUATION,
    *_CONSONANTS,
    *(stress + vowel for vowel in _VOWELS for stress in _STRESSES),
)
GAPS = frozenset((BOUNDARY, *PUNCTUATION))
_INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS)}
_LETTER_A = ("ˈeɪ",)
_MARK = re.compile(rf"[{MARKS}]")
_log = logging.getLogger(__name__)


class _Word(NamedTuple):
    """A spoken word and the punctuation behind it ('' for none)."""

    text: str
    phonemes: tuple[str, ...]
    mark: str


def phonemize(text: str) -> list[str]:
    """Turn text into symbols.

    Args:
        text: English, in any Unicode characters; one sentence or a few.

    Returns:
        Symbols of `SYMBOLS`, silence at both ends.

    Raises:
        InputError: the text holds nothing that can be spoken.
    """
    words = _words(text)
    symbols = [SILENCE]
    for index, word in enumerate(words):
        symbols += word.phonemes
        if index + 1 < len(words):
            symbols.append(word.mark or BOUNDARY)
        elif word.mark:
            symbols.append(word.mark)
    return [*symbols, SILENCE]


def phonemize_words(text: str) -> list[tuple[str, list[str]]]:
    """Return the spoken words in order, numbers written out, each with its phonemes.

    The k-th word owns the k-th run of symbols between gaps in ``phonemize(text)``.

    Raises:
        InputError: the text holds nothing that can be spoken.
    """
    return [(word.text, list(word.phonemes)) for word in _words(text)]


def encode(text: str) -> list[int]:
    """Turn text into indices of `SYMBOLS`; raises as `phonemize`."""
    return encode_symbols(phonemize(text))


def encode_symbols(symbols: Iterable[str]) -> list[int]:
    """Turn symbols into their indices.

    Raises:
        InputError: a symbol is not one of `SYMBOLS`.
    """
    try:
        return [_INDEX[symbol] for symbol in symbols]
    except KeyError as error:
        raise InputError(f"Unknown phoneme {error.args[0]!r}: see mmtts.text.SYMBOLS.") from error


@lru_cache(maxsize=8192)
def _words(text: str) -> tuple[_Word, ...]:
    """Normalize and phonemize; at least one word."""
    warn_of_left_out(text)
    words = tuple(_read(normalize_text(text)))
    if not words:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise InputError(f"{shown!r} holds nothing that can be spoken: give an English text.")
    return words


def warn_of_left_out(text: str) -> None:
    """Say in one warning which letters of a text no rule can read."""
    if letters := left_out(text):
        _log.warning("%r cannot be pronounced and is left out.", letters)


def _read(normal: str) -> Iterator[_Word]:
    """Yield the words that gruut finds in a normalized text, each with the mark behind it."""
    word: _Word | None = None
    for token, phonemes, is_break in _tokens(normal):
        if is_break and word:
            word = word._replace(mark=token.replace("...", "…"))
        elif not is_break:
            if word:
                yield word
            word = _Word(token, _pronounce(token, phonemes), "")
    if word:
        yield word


def _tokens(normal: str) -> list[tuple[str, list[str], bool]]:
    """Return gruut's (text, phonemes, is a pause)."""
    import gruut

    # Apart from its word, a mark is never taken for a part of it, as in "It was I."
    text = _MARK.sub(r" \g<0>", normal).replace("…", "...")
    return [
        (token.text, list(token.phonemes or ()), not token.is_spoken)
        for sentence in gruut.sentences(text, lang="en-us")
        for token in sentence
        if token.is_spoken or token.is_major_break or token.is_minor_break
    ]


def _pronounce(word: str, phonemes: list[str]) -> tuple[str, ...]:
    """Return the sounds of a word: gruut's, or the names of its letters where it has none."""
    if word == "A":  # the letter; the article is a small one
        return _LETTER_A
    sounds = tuple(s for s in map(_known, phonemes) if s)
    if sounds or len(word) == 1:
        return sounds
    return tuple(
        s for named in _read(" ".join(word.replace("'", "").upper())) for s in named.phonemes
    )


def _known(phoneme: str) -> str | None:
    """Return the phoneme, its unstressed form, or nothing when it is no English sound."""
    if phoneme in _INDEX:
        return phoneme
    plain = phoneme.lstrip("ˈˌ").rstrip("ː")
    return plain if plain in _INDEX else None
