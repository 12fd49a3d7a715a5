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
from mmtts.text.normalization import has_speech, normalize_text, spell_digits, strip_accents

PAD, SILENCE, BOUNDARY = "<pad>", "<sil>", " "
# The strongest first: of several marks between two words, one is kept.
PUNCTUATION = ("?", "!", ".", "…", ";", ":", ",")
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
    normal = normalize_text(text)
    words = tuple(_read(normal)) if has_speech(normal) else ()
    if not words and has_speech(normal):
        # Letters wrapped in signs that gruut takes for one unknown word.
        words = tuple(_read(spell_digits(strip_accents(normal))))
    if not words:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise InputError(f"{shown!r} holds nothing that can be spoken: give an English text.")
    return words


def _read(text: str) -> Iterator[_Word]:
    """Yield the words that gruut finds, each with the strongest mark behind it."""
    word: _Word | None = None
    for token, phonemes, is_break in _tokens(text):
        if is_break and word:
            marks = word.mark + token.replace("...", "…")
            word = word._replace(mark=next((m for m in PUNCTUATION if m in marks), ""))
        elif not is_break:
            for part, sounds in _pronounce(token, phonemes):
                if word:
                    yield word
                word = _Word(part, sounds, "")
    if word:
        yield word


def _tokens(text: str) -> list[tuple[str, list[str], bool]]:
    """Return gruut's (text, phonemes, is a pause) without quotes and brackets."""
    import gruut

    try:
        return [
            (token.text, list(token.phonemes or ()), not token.is_spoken)
            for sentence in gruut.sentences(text, lang="en-us")
            for token in sentence
            if token.is_spoken or token.is_major_break or token.is_minor_break
        ]
    except Exception as error:
        # gruut's number and date arithmetic raises many kinds of errors on odd input.
        plain = spell_digits(text)
        if plain == text:
            raise InputError(f"{text[:40]!r} cannot be pronounced: rephrase it.") from error
        return _tokens(plain)


def _pronounce(token: str, phonemes: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words of a token; more than one where digits that gruut left must be read."""
    parts = [(token, phonemes)]
    if any(c.isdigit() for c in token):
        # First as numbers between other characters (50/50), then digit by digit.
        for plain in (" ".join(re.findall(r"\w+", token)), spell_digits(token)):
            parts = [(t, p) for t, p, is_break in _tokens(plain) if not is_break]
            if not any(c.isdigit() for text, _ in parts for c in text):
                break
    for part, raw in parts:
        sounds = tuple(s for s in map(_known, raw) if s)
        if sounds:
            yield part, sounds
        else:
            _log.warning("%r cannot be pronounced and is left out.", part)


def _known(phoneme: str) -> str | None:
    """Return the phoneme, its unstressed form, or nothing when it is no English sound."""
    if phoneme in _INDEX:
        return phoneme
    plain = phoneme.lstrip("ˈˌ").rstrip("ː")
    return plain if plain in _INDEX else None
