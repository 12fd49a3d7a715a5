"""The other languages: normalized by a few rules that hold for many, read by eSpeak NG.

Its IPA becomes the symbols of `mmtts.text.symbols.ESPEAK_SYMBOLS`, a fixed inventory for all of
its languages. The sounds of English have in it the names that they have in the English one, so
that a model of another language can start from an English model.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import version
from types import MappingProxyType
from typing import ClassVar

from mmtts import InputError
from mmtts.text.espeak_library import choose_voice, load_espeak, voice_name
from mmtts.text.front_end import Word
from mmtts.text.ipa import read_sounds, sounds_of
from mmtts.text.normalization import MARKS
from mmtts.text.plain_text import VERSION, normalize_plain_text, number_language, say_number
from mmtts.text.say_as import WAYS
from mmtts.text.symbols import BOUNDARY, ESPEAK_SYMBOLS, SPELLINGS

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]+)*")
_UTF8 = 1
_IPA, _BETWEEN_SOUNDS = 2, "_"
_SWITCH = re.compile(r"\([a-z0-9-]*\)")  # of the language, around a foreign word
# A part of a text between marks, and the mark; a dot or comma inside of a number is none.
_CLAUSE = re.compile(rf"((?:[^{MARKS}]|[{MARKS}](?=\S))+)([{MARKS}]?)")
_THIRD_TONE = re.compile(r"(?<=[^ˈˌ])ɜ$")  # a 3 in eSpeak NG's own alphabet


@dataclass(frozen=True)
class Espeak:
    """The front end of a language of eSpeak NG; see `mmtts.text.front_end.FrontEnd`.

    Args:
        language: Its code, such as "de" or "pt-br".

    Raises:
        InputError: There is no such language, or eSpeak NG is not installed.
    """

    language: str
    symbols: ClassVar[tuple[str, ...]] = ESPEAK_SYMBOLS
    spellings: ClassVar[Mapping[str, str]] = MappingProxyType(
        {**SPELLINGS, "ᵻ": "ɪ", "ε": "ɛ", "Φ": "ɸ", ":": "ː", "?": "ʔ", "͡": ""}
    )
    noun: ClassVar[str] = "Zuqona"

    def __post_init__(self) -> None:
        if not _LANGUAGE.fullmatch(self.language):
            raise InputError(
                f"{self.language!r:.40} is no code of a language; write one such as de"
            )
        _ = self.name

    @cached_property
    def name(self) -> str:
        """In English, as eSpeak NG has it."""
        return voice_name(self.language)

    @property
    def config(self) -> dict[str, str]:
        """See `FrontEnd`."""
        return {"front_end": "espeak", "language": self.language}

    @property
    def versions(self) -> tuple[str, ...]:
        """Of the normalization and the phonemizer, and the language."""
        spoken = ("eSpeak NG", self.language, load_espeak().version)
        return (*spoken, str(VERSION), version("num2words"))

    def normalize(self, text: str) -> str:
        """See `mmtts.text.plain_text`."""
        return normalize_plain_text(text, self.language)

    def read_words(self, normal: str) -> Iterator[Word]:
        """Yield the words between the spaces of a normalized text, each with the mark behind it."""
        word: Word | None = None
        for match in _CLAUSE.finditer(normal):
            for text, phonemes in self._read_clause(match[1].split()):
                if word:
                    yield word
                word = Word(text, phonemes, "")
            if word and match[2]:
                word = word._replace(mark=match[2])
        if word:
            yield word

    def _read_clause(self, words: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Read words beside each other, or one by one where they are said as another number."""
        read = _phonemes(" ".join(words), self)
        if len(read) != len(words):
            read = [_join(_phonemes(word, self)) for word in words]
        return ((word, sounds) for word, sounds in zip(words, read, strict=True) if sounds)

    def left_out(self, text: str) -> str:
        """Nothing: eSpeak NG names the letters that its language does not have."""
        return ""

    def say_as(self, written: str, way: str, form: str = "") -> str:
        """Read numbers by num2words and dates as eSpeak NG does; see `FrontEnd`."""
        written = written.strip()
        if way not in WAYS:
            raise InputError(f"say-as knows {', '.join(WAYS)}, not {way!r:.40}")
        if way in ("cardinal", "ordinal"):
            kind = number_language(self.language)
            if not kind or not re.fullmatch(r"\d{1,15}", written):
                raise InputError(f"{written!r:.60} cannot be said as {way} in {self.name}")
            return say_number(int(written), kind, way)
        return " ".join(written) if way in ("digits", "characters") else written


@lru_cache(maxsize=8192)
def _phonemes(text: str, front_end: Espeak) -> list[tuple[str, ...]]:
    """Return the symbols of each word that eSpeak NG makes of a text."""
    written, mode = [], _IPA | ord(_BETWEEN_SOUNDS) << 8
    with choose_voice(front_end.language) as library:
        rest = ctypes.c_char_p(text.encode())
        while rest.value is not None:
            said = library.functions.espeak_TextToPhonemes(ctypes.byref(rest), _UTF8, mode)
            written += _SWITCH.sub("", (said or b"").decode("utf-8", "replace")).split()
    words = (_symbols(word, front_end) for word in written)
    return [word for word in words if word]


def _symbols(written: str, front_end: Espeak) -> tuple[str, ...]:
    """Read what eSpeak NG writes for one word; sounds that are not known are left out."""
    symbols: list[str] = []
    for sound in written.split(_BETWEEN_SOUNDS):
        sound = _THIRD_TONE.sub("3", unicodedata.normalize("NFD", sound))
        sound = sound.replace("c\N{COMBINING CEDILLA}", "ç")
        token = sounds_of(front_end).token
        symbols += read_sounds("".join(token.findall(sound)), front_end)[0]
    return tuple(symbols)


def _join(words: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Lay what is said for one written word behind one another."""
    joined: list[str] = []
    for word in words:
        joined += [BOUNDARY, *word] if joined else word
    return tuple(joined)
