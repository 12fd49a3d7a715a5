"""Sentences: long text into pieces that can be spoken one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd, nothing_to_speak
from mmtts.text.phonemes import warn_of_left_out

# Of words as they are said: some 170 symbols and 12 seconds. Of the lab recipe's 6,032 clips with a
# text, 99.9 % have at most 195 symbols and 15 seconds; longer ones no model has learned to speak.
MAX_CHARACTERS = 200
# Dots of abbreviations are gone from a normalized text; behind an ellipsis a sentence may go on.
SENTENCE_END = re.compile(r"[.?!](?=\s)|…(?=\s[A-Z])")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
CLAUSE_END = re.compile(r"(?<=[,;:…])\s+")
# Of the words that are spoken first, in characters: about one and four seconds of speech.
SHORTEST_CLAUSE, LONGEST_CLAUSE = 15, 60
# Where a long sentence is best cut, the best kind first: behind a mark, in front of a word that
# begins a clause, in front of one that begins a phrase, between words.
_CUTS = (
    re.compile(r"(?<=[;:…])\s"),
    re.compile(r"(?<=,)\s"),
    re.compile(
        r"\s(?=(?:and|but|or|so|because|which|who|that|when|where|while|if|although|though|then|"
        r"until|since|unless|before|after)\b)",
        re.IGNORECASE,
    ),
    re.compile(r"\s(?=(?:of|in|on|at|by|for|from|with|to|into|over|under|as)\b)", re.IGNORECASE),
    re.compile(r"\s"),
)


def split_sentences(
    text: str, max_characters: int = MAX_CHARACTERS, front_end: FrontEnd = ENGLISH
) -> list[str]:
    """Split text at the ends of sentences, and long sentences where it hurts least.

    Args:
        text: of any length; lines and paragraphs end a sentence only when a blank line does.
        max_characters: the longest piece allowed, at least 1.
        front_end: of the language of the text.

    Returns:
        Normalized pieces that are not empty and hold something to speak, in the order of the text.

    Raises:
        InputError: nothing in the text can be spoken.
    """
    warn_of_left_out(text, front_end)
    pieces = find_sentences(text, max_characters, front_end)
    if not pieces:
        raise nothing_to_speak(front_end)
    return pieces


def find_sentences(
    text: str, max_characters: int = MAX_CHARACTERS, front_end: FrontEnd = ENGLISH
) -> list[str]:
    """Split as `split_sentences`, in silence; there may be nothing to speak."""
    return [
        piece
        for paragraph in _PARAGRAPH_END.split(text)
        for sentence in _sentences(front_end.normalize(paragraph))
        for piece in _bounded(sentence, max_characters)
        if any(c.isalnum() for c in piece)
    ]


def first_clause(sentence: str) -> int:
    """Find where the first words of a long sentence can be spoken by themselves.

    Args:
        sentence: Normalized.

    Returns:
        How many characters they have, at most `LONGEST_CLAUSE`: up to the first mark, or else up
        to the last phrase that begins within the bound; 0 for a sentence that is short anyway.
    """
    last = min(LONGEST_CLAUSE, len(sentence) - SHORTEST_CLAUSE)
    if len(sentence) <= LONGEST_CLAUSE:
        return 0
    marks = (m.start() for m in CLAUSE_END.finditer(sentence, 0, last + 1))
    first = next((place for place in marks if place >= SHORTEST_CLAUSE), None)
    return first or _best_cut(sentence, SHORTEST_CLAUSE, last) or 0


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a normalized paragraph."""
    start = 0
    for match in SENTENCE_END.finditer(text):
        yield text[start : match.end()].strip()
        start = match.end()
    yield text[start:].strip()


def _bounded(sentence: str, limit: int) -> Iterator[str]:
    """Yield pieces of at most ``limit`` characters, and seldom a small rest."""
    while len(sentence) > limit:
        # A cut in the first third leaves a fragment; one near the end leaves a small rest.
        latest = min(limit, max(len(sentence) - limit // 3 - 1, limit // 3 + 1))
        cut = _best_cut(sentence, limit // 3, latest) or _best_cut(sentence, 0, limit) or limit
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence


def _best_cut(sentence: str, earliest: int, latest: int) -> int | None:
    """Find the last cut of the best kind behind ``earliest`` and up to ``latest``."""
    for kind in _CUTS:
        places = [m.start() for m in kind.finditer(sentence, 0, latest + 1) if m.start() > earliest]
        if places:
            return places[-1]
    return None
