"""Front ends: what a language needs in order to be read aloud."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple, Protocol

from mmtts import InputError


class Word(NamedTuple):
    """A spoken word and the punctuation behind it ('' for none)."""

    text: str
    phonemes: tuple[str, ...]
    mark: str


class FrontEnd(Hashable, Protocol):
    """Reads the texts of one language as the symbols of a model.

    Two that read alike are equal and have the same hash.
    """

    @property
    def language(self) -> str:
        """Its code, such as "en" or "pt-br"."""

    @property
    def name(self) -> str:
        """That of the language in English."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The inventory, which begins with `mmtts.text.symbols.MARKERS`."""

    @property
    def spellings(self) -> Mapping[str, str]:
        """Other ways to write its sounds in IPA; '' for what is not told apart."""

    @property
    def noun(self) -> str:
        """A word that no text has, and that is to its neighbors as a noun is."""

    @property
    def config(self) -> dict[str, str]:
        """Plain values by which a model folder names it, see `make_front_end`."""

    @property
    def versions(self) -> tuple[str, ...]:
        """Change when a text may be read differently."""

    def normalize(self, text: str) -> str:
        """Return what is said as one line of words and marks; doing it again changes nothing."""

    def read_words(self, normal: str) -> Iterator[Word]:
        """Yield the words of a normalized text."""

    def left_out(self, text: str) -> str:
        """Return the letters that no rule can read, each once, in their order."""

    def say_as(self, written: str, way: str, form: str = "") -> str:
        """Read a text in one of `mmtts.text.say_as.WAYS`.

        Raises:
            InputError: The way is unknown, or the text cannot be read in it.
        """


def nothing_to_speak(front_end: FrontEnd, shown: str = "The text") -> InputError:
    """Say that there is nothing to speak, and what to give instead."""
    article = "an" if front_end.name[0] in "AEIOU" else "a"
    return InputError(
        f"{shown} holds nothing that can be spoken: give {article} {front_end.name} text."
    )
