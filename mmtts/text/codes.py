"""Codes: words that stand in a text for what normalization must leave alone.

A pronunciation or a change of delivery has to keep its place while numbers, dates and sentences
around it are read. In its place stands a made-up word that reads like a name, so that what is
around it is read as it would be beside a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from mmtts.text.characters import plain_characters
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd, Word
from mmtts.text.script import PLAIN, Delivery, Passage

# Behind it come digits, a syllable each; one of several, so that it stands in no text by chance.
_STEMS = ("zuqo", "ziqe", "zoqa", "zaqu")
_DIGITS = ("ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du")
_SIBILANTS = ("s", "z", "ʃ", "ʒ", "t͡ʃ", "d͡ʒ")
_VOICELESS = ("p", "t", "k", "f", "θ")


class Codes:
    """The codes of one text.

    Args:
        text: Without codes, so that they can be words that it does not have.
        front_end: What reads it.
    """

    def __init__(self, text: str, front_end: FrontEnd = ENGLISH) -> None:
        self._text, self._front_end = text, front_end
        self._meanings: list[Passage | Delivery] = []

    @cached_property
    def _stem(self) -> str:
        small = plain_characters(self._text).lower()
        return next((stem for stem in _STEMS if stem not in small), _STEMS[0])

    @cached_property
    def _code(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![a-z']){self._stem}((?:[bd][aeiou])+)(?![a-z])", re.IGNORECASE)

    def __len__(self) -> int:
        return len(self._meanings)

    def add(self, meaning: Passage | Delivery) -> str:
        """Return a new code: as long as it will sound, and with a capital where the word has one.

        Args:
            meaning: A word with its phonemes, or the delivery of what follows.
        """
        self._meanings.append(meaning)
        number = "".join(_DIGITS[int(digit)] for digit in str(len(self._meanings) - 1))
        if isinstance(meaning, Delivery):
            return self._stem + number
        lacking = len(meaning.phonemes) - len(self._stem) - len(number)
        code = self._stem + _DIGITS[0] * max(0, lacking // 2) + number
        return code.capitalize() if meaning.text[:1].isupper() else code

    def deliver(self, text: str, delivery: Delivery) -> Delivery:
        """Tell the delivery at the end of a text from that at its beginning."""
        if not self._meanings:
            return delivery
        changes = [m for m in self._found(text) if isinstance(m, Delivery)]
        return changes[-1] if changes else delivery

    def has_words(self, text: str) -> bool:
        """Tell whether anything in a text is spoken."""
        if not self._meanings:
            return any(char.isalnum() for char in text)
        left = self._code.sub(
            lambda m: "" if isinstance(self._meaning(m), Delivery) else m[0], text
        )
        return any(char.isalnum() for char in left)

    def read(self, text: str, delivery: Delivery = PLAIN) -> list[tuple[Word, Delivery]]:
        """Read the words of a normalized text, each with its delivery.

        Args:
            text: A sentence.
            delivery: At its beginning.
        """
        found: list[tuple[Word, Delivery]] = []
        meanings, noun = self._found(text), self._front_end.noun
        plain = self._code.sub(lambda m: m[0] if self._meaning(m) is None else noun, text)
        for word in self._front_end.read_words(plain):
            if not word.text.startswith(noun):
                found.append((word, delivery))
                continue
            meaning = next(meanings)
            if isinstance(meaning, Delivery):
                delivery = meaning
                if found and word.mark and not found[-1][0].mark:
                    found[-1] = (found[-1][0]._replace(mark=word.mark), found[-1][1])
                continue
            ending = word.text.removeprefix(noun)
            phonemes = meaning.phonemes + (_ending(meaning.phonemes[-1]) if ending else ())
            found.append((Word(meaning.text + ending, phonemes, word.mark), delivery))
        return found

    def _found(self, text: str) -> Iterator[Passage | Delivery]:
        meanings = map(self._meaning, self._code.finditer(text))
        return (meaning for meaning in meanings if meaning is not None)

    def _meaning(self, match: re.Match[str]) -> Passage | Delivery | None:
        """Return what a code stands for; None for a word that only looks like one."""
        syllables = re.findall("..", match[1].lower())
        number = int("".join(str(_DIGITS.index(syllable)) for syllable in syllables))
        return self._meanings[number] if number < len(self._meanings) else None


def _ending(sound: str) -> tuple[str, ...]:
    """Return how 's sounds behind a sound."""
    if sound in _SIBILANTS:
        return ("ɪ", "z")
    return ("s",) if sound in _VOICELESS else ("z",)
