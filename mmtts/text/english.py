"""English: normalized by this package's own rules, phonemized by gruut."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, ClassVar

from mmtts.text.characters import left_out
from mmtts.text.front_end import FrontEnd, Word
from mmtts.text.lexicon import index_lexicon
from mmtts.text.normalization import MARKS, VERSION, normalize_text
from mmtts.text.say_as import say_as
from mmtts.text.symbols import SPELLINGS, SYMBOLS

_KNOWN = frozenset(SYMBOLS)
_LETTER_A = ("ˈeɪ",)
_MARK = re.compile(rf"[{MARKS}]")
_LOCAL = threading.local()  # a database belongs to the thread that opened it


@dataclass(frozen=True)
class English:
    """The front end of American English; see `mmtts.text.front_end.FrontEnd`."""

    language: ClassVar[str] = "en"
    name: ClassVar[str] = "English"
    symbols: ClassVar[tuple[str, ...]] = SYMBOLS
    # Other spellings of the same American sounds; length is not told apart.
    spellings: ClassVar[Mapping[str, str]] = MappingProxyType(
        {**SPELLINGS, "r": "ɹ", "ʼ": "ˈ", "ː": ""}
    )
    # A word of gruut's lexicon, in letters that no normalized text has: it needs no guess.
    noun: ClassVar[str] = "nAmE"

    @property
    def config(self) -> dict[str, str]:
        """See `FrontEnd`."""
        return {"front_end": "english", "language": self.language}

    @property
    def versions(self) -> tuple[str, ...]:
        """Of the normalization and the phonemizer."""
        return (str(VERSION), version("num2words"), version("gruut"))

    def normalize(self, text: str) -> str:
        """See `mmtts.text.normalization`."""
        return normalize_text(text)

    def read_words(self, normal: str) -> Iterator[Word]:
        """Yield the words that gruut finds in a normalized text, each with the mark behind it."""
        word: Word | None = None
        for token, phonemes, is_break in _tokens(normal):
            if is_break and word:
                word = word._replace(mark=token.replace("...", "…"))
            elif not is_break:
                if word:
                    yield word
                word = Word(token, self._pronounce(token, phonemes), "")
        if word:
            yield word

    def _pronounce(self, word: str, phonemes: list[str]) -> tuple[str, ...]:
        """Return the sounds of a word: gruut's, or its letters' names where it has none."""
        if word == "A":  # the letter; the article is a small one
            return _LETTER_A
        sounds = tuple(s for s in map(_known, phonemes) if s)
        if sounds or len(word) == 1:
            return sounds
        letters = " ".join(word.replace("'", "").upper())
        return tuple(s for named in self.read_words(letters) for s in named.phonemes)

    def left_out(self, text: str) -> str:
        """See `mmtts.text.characters.left_out`."""
        return left_out(text)

    def say_as(self, written: str, way: str, form: str = "") -> str:
        """See `mmtts.text.say_as.say_as`."""
        return say_as(written, way, form)


ENGLISH: FrontEnd = English()


def _tokens(normal: str) -> list[tuple[str, list[str], bool]]:
    """Return gruut's (text, phonemes, is a pause)."""
    # Apart from its word, a mark is never taken for a part of it, as in "It was I."
    text = _MARK.sub(r" \g<0>", normal).replace("…", "...")
    processor = _processor()
    return [
        (token.text, list(token.phonemes or ()), not token.is_spoken)
        for sentence in processor.sentences(*processor(text))
        for token in sentence
        if token.is_spoken or token.is_major_break or token.is_minor_break
    ]


def _processor() -> Any:
    """Return this thread's reader: gruut's, with a lexicon in which it finds words quickly."""
    if not hasattr(_LOCAL, "processor"):
        from gruut import TextProcessor
        from gruut.phonemize import SqlitePhonemizer

        processor = TextProcessor(default_lang="en-us")
        lookup: Any = processor.get_settings().lookup_phonemes
        lookup.phonemizer = SqlitePhonemizer(index_lexicon(), **lookup.phonemizer_args)
        _LOCAL.processor = processor
    return _LOCAL.processor


def _known(phoneme: str) -> str | None:
    """Return the phoneme, its unstressed form, or nothing when it is no English sound."""
    if phoneme in _KNOWN:
        return phoneme
    plain = phoneme.lstrip("ˈˌ").rstrip("ː")
    return plain if plain in _KNOWN else None
