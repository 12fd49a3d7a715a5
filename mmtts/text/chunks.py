"""Chunks: a text that comes bit by bit, such as from a language model, in complete stretches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd, nothing_to_speak
from mmtts.text.lines import CLAUSE, Line, begin_quickly, find_lines
from mmtts.text.markup import MARKUP, UNFINISHED, read_markup
from mmtts.text.phonemes import warn_of_left_out
from mmtts.text.pronunciations import Pronunciations
from mmtts.text.sentences import (
    LONGEST_CLAUSE,
    SENTENCE_END,
    SHORTEST_CLAUSE,
)

# What is longer without the end of a sentence is spoken all the same, in characters.
LONGEST_STRETCH = 600
_SLICE = 200  # of a large chunk, so that little is looked at again and again
# Only the word behind it tells an end from the dot of an abbreviation.
_NEXT_WORD = r"\s+(?=\S+\s|\S{20})"
_SENTENCE_END = re.compile(rf"[.?!…][\"'”’)\]]*{_NEXT_WORD}|\n\s*\n")
_CLAUSE_END = re.compile(rf"[,;:…]{_NEXT_WORD}")


class Stretch(NamedTuple):
    """A text that what follows does not change.

    Attributes:
        text: With its markup.
        goes_on: Whether its last sentence does.
    """

    text: str
    goes_on: bool = False


def lines_of_chunks(
    chunks: Iterable[str],
    lexicon: Pronunciations | None = None,
    quick: bool = True,
    front_end: FrontEnd = ENGLISH,
) -> Iterator[Line]:
    """Yield lines as soon as they are complete, and ask for no more of the text than that takes.

    Args:
        chunks: Parts of a text with markup, cut anywhere.
        lexicon: Pronunciations.
        quick: Whether the first clause of a long first sentence comes by itself.
        front_end: Of the language of the text.

    Raises:
        InputError: A chunk is no text, markup cannot be understood, or there is nothing to speak.
    """
    spoken = goes_on = False
    for stretch in read_stretches(chunks, quick, front_end):
        script = read_markup(stretch.text, front_end)
        warn_of_left_out(script.text, front_end)
        lines = find_lines(script, lexicon, front_end)
        if not lines:
            continue
        if quick and not spoken:
            lines = begin_quickly(lines)
        if goes_on and not lines[0].seam:
            lines[0] = replace(lines[0], seam=CLAUSE)
        if stretch.goes_on:
            lines[-1] = replace(lines[-1], is_open=True)
        spoken, goes_on = spoken or any(line.text for line in lines), stretch.goes_on
        yield from lines
    if not spoken:
        raise nothing_to_speak(front_end)


def read_stretches(
    chunks: Iterable[str], quick: bool = True, front_end: FrontEnd = ENGLISH
) -> Iterator[Stretch]:
    """Yield a text that comes in chunks in stretches that can be read by themselves.

    The first one may be a clause if it is to be quick; the others end with a sentence unless it
    gets too long.
    """
    buffer, is_first = _Buffer(front_end), quick
    for chunk in chunks:
        if not isinstance(chunk, str):
            raise InputError(f"a text comes in chunks of str, not of {type(chunk).__name__}")
        for start in range(0, len(chunk), _SLICE):
            buffer.append(chunk[start : start + _SLICE])
            while stretch := buffer.take(is_first):
                is_first = is_first and not any(char.isalnum() for char in stretch.text)
                yield stretch
    if buffer.text:
        yield Stretch(buffer.text)


class _Buffer:
    """What has come and was not yet taken."""

    def __init__(self, front_end: FrontEnd) -> None:
        self.text, self._normalize = "", front_end.normalize
        self._looked: dict[re.Pattern[str], int] = {}  # up to where a pattern was looked for

    def append(self, chunk: str) -> None:
        self.text += chunk

    def take(self, is_first: bool) -> Stretch | None:
        """Take a stretch off the beginning, if one is complete."""
        if place := self._find(_SENTENCE_END, 0, len(self.text)):
            return self._cut(place, goes_on=False)
        is_long = is_first and len(self.text) > LONGEST_CLAUSE
        if is_long and (place := self._find(_CLAUSE_END, SHORTEST_CLAUSE, LONGEST_CLAUSE)):
            return self._cut(place, goes_on=True)
        if len(self.text) > LONGEST_STRETCH:
            places = [match.end() for match in re.finditer(r"\s+", self.text)]
            outside = [place for place in places if self._end_of_markup(place) == place]
            return self._cut((outside or places or [LONGEST_STRETCH])[-1], goes_on=True)
        return None

    def _cut(self, place: int, goes_on: bool) -> Stretch:
        stretch = Stretch(self.text[:place], goes_on)
        self.text, self._looked = self.text[place:], {}
        return stretch

    def _find(self, pattern: re.Pattern[str], first: int, last: int) -> int:
        """Find a place to cut at from first to last; 0 for none, and none is tried twice."""
        for match in pattern.finditer(self.text, self._looked.get(pattern, 0)):
            place = match.end()
            end_of_markup = self._end_of_markup(place)
            if place > last or end_of_markup is None:
                break
            self._looked[pattern] = place
            if place < first or end_of_markup > place:
                continue
            if match[0].count("\n") > 1 or self._parts_cleanly(place, pattern is _SENTENCE_END):
                return place
        return 0

    def _end_of_markup(self, place: int) -> int | None:
        """Tell where the markup around a place ends: there if there is none, None if not yet."""
        start = self.text.rfind("[", 0, place)
        if start >= 0 and (match := MARKUP.match(self.text, start)):
            return max(place, match.end())
        return None if start >= 0 and UNFINISHED.match(self.text, start) else place

    def _parts_cleanly(self, place: int, ends_sentence: bool) -> bool:
        """Tell whether both sides of a place are read alone as they are together."""
        before, behind = _without_markup(self.text[:place]), _without_markup(self.text[place:])
        first, second = self._normalize(before), self._normalize(behind)
        together = f"{first} {second}"
        if ends_sentence and not SENTENCE_END.match(together, max(0, len(first) - 1)):
            return False
        return self._normalize(before + behind) == together.strip()


def _without_markup(text: str) -> str:
    return MARKUP.sub(lambda match: match["word"] or " ", text)
