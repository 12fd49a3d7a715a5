"""Lines: a script as what is spoken in one breath each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from mmtts.text.codes import Codes
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd, Word, nothing_to_speak
from mmtts.text.phonemes import words_of
from mmtts.text.pronunciations import Pronunciations
from mmtts.text.script import PLAIN, Delivery, Passage, Pause, Script, require_pause
from mmtts.text.sentences import find_sentences, first_clause

_SENTENCE_ENDS = (".", "?", "!", "…")


class Seam(NamedTuple):
    """Silence between the last word of a line and the first one of the next.

    Attributes:
        seconds: How long.
        follows_pace: Whether it gets shorter when all is spoken faster.
    """

    seconds: float
    follows_pace: bool = False


# Where a sentence is cut: more than the 0.10 s that a model of the lab recipe makes of a comma
# (median of 12 in 4 voices), and less than the half second between sentences.
CLAUSE = Seam(0.2, follows_pace=True)


@dataclass(frozen=True)
class Line:
    """What is spoken in one breath, or silence.

    Attributes:
        text: A normalized sentence or a part of one, with codes; empty for silence.
        seam: What lies in front; None where one sentence follows another. In front of the first
            word and behind the last one it is silence of its length.
        is_open: Whether there is a seam behind, and no other sentence.
        delivery: At the beginning of the line.
        codes: What the codes stand for; None when there are none.
        front_end: What reads it.
    """

    text: str
    seam: Seam | None = None
    is_open: bool = False
    delivery: Delivery = PLAIN
    codes: Codes | None = field(default=None, compare=False)
    front_end: FrontEnd = field(default=ENGLISH, compare=False)

    def read(self) -> list[tuple[Word, Delivery]]:
        """Return the words, each with its delivery; none for silence.

        Raises:
            InputError: There should be words, and there are none.
        """
        if not self.text:
            return []
        if self.codes is None:
            return [(word, self.delivery) for word in words_of(self.text, self.front_end)]
        found = self.codes.read(self.text, self.delivery)
        if not found:
            raise nothing_to_speak(self.front_end)
        return found

    @property
    def said(self) -> str:
        """The words and marks, without codes."""
        if self.codes is None:
            return self.text
        return " ".join(f"{word.text}{word.mark}" for word, _ in self.read())

    def part(self) -> tuple[Line, ...]:
        """Part the first clause of a long sentence from the rest of it."""
        cut = first_clause(self.text)
        if not cut:
            return (self,)
        clause, rest = self.text[:cut].strip(), self.text[cut:].strip()
        delivery = self.codes.deliver(clause, self.delivery) if self.codes else self.delivery
        return (
            replace(self, text=clause, is_open=True),
            replace(self, text=rest, seam=CLAUSE, delivery=delivery),
        )


def compose(
    script: Script, lexicon: Pronunciations | None = None, front_end: FrontEnd = ENGLISH
) -> list[Line]:
    """Divide a script into lines.

    Args:
        script: Of any length.
        lexicon: Pronunciations of words that have none in the script.
        front_end: Of the language of the script.

    Returns:
        Lines in their order, of which one at least holds words.

    Raises:
        InputError: There is nothing to speak, or a pause is too long.
    """
    lines = find_lines(script, lexicon, front_end)
    if not any(line.text for line in lines):
        raise nothing_to_speak(front_end)
    return lines


def find_lines(
    script: Script, lexicon: Pronunciations | None = None, front_end: FrontEnd = ENGLISH
) -> list[Line]:
    """Divide a script as `compose` does; there may be nothing to speak."""
    lines: list[Line] = []
    for line in _compose((lexicon or Pronunciations()).mark(script), front_end):
        if line.seam and lines:
            lines[-1] = replace(lines[-1], is_open=True)
        lines.append(line)
    return lines


def begin_quickly(lines: Sequence[Line]) -> list[Line]:
    """Part the first clause from the rest of the first sentence, if that is long."""
    return [*lines[0].part(), *lines[1:]]


def _compose(script: Script, front_end: FrontEnd) -> Iterator[Line]:
    """Yield lines that do not know yet whether they are open."""
    codes = Codes(script.text, front_end)
    seam: Seam | None = None
    over = True  # the sentence before
    for pitch, group in groupby(script.pieces, _pitch):
        pieces = list(group)
        if pitch is None:
            pauses = (piece.seconds for piece in pieces if isinstance(piece, Pause))
            seam = Seam(require_pause(sum(pauses) + (seam.seconds if seam else 0.0)))
            continue
        passages = [piece for piece in pieces if isinstance(piece, Passage)]
        text = _write(passages, codes)
        if not seam and not over and not text.startswith("\n\n"):
            seam = CLAUSE
        for line in _divide(text, passages[0].delivery, codes, front_end):
            yield replace(line, seam=seam)
            seam, over = None, line.text.endswith(_SENTENCE_ENDS) or text.endswith("\n\n")
        seam = None if seam is CLAUSE else seam
    if seam:
        yield Line("", seam)


def _pitch(piece: Passage | Pause) -> float | None:
    """Tell pieces apart that cannot be spoken in one breath; None for silence."""
    return None if isinstance(piece, Pause) else piece.delivery.pitch


def _write(passages: Sequence[Passage], codes: Codes) -> str:
    """Write passages as one text, with codes for what is not to be read."""
    written, delivery, end, was_code = list[str](), passages[0].delivery, "", False
    for passage in passages:
        if passage.delivery != delivery:
            delivery = passage.delivery
            written.append(f" {codes.add(delivery)} ")
            end = " "
        said = codes.add(passage) if passage.phonemes else passage.text
        if (passage.phonemes or was_code) and end.isalnum() and said[:1].isalnum():
            written.append(" ")
        written.append(said)
        end, was_code = said[-1:] or end, bool(passage.phonemes) or (was_code and not said)
    return "".join(written)


def _divide(text: str, delivery: Delivery, codes: Codes, front_end: FrontEnd) -> Iterator[Line]:
    """Yield the sentences of a text that begins with some delivery."""
    for sentence in find_sentences(text, front_end=front_end):
        if codes.has_words(sentence):
            yield Line(sentence, None, False, delivery, codes if len(codes) else None, front_end)
        delivery = codes.deliver(sentence, delivery)
