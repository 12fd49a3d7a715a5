"""Sentences: long text into pieces that can be spoken one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmtts import InputError
from mmtts.text.normalization import has_speech, normalize_text

MAX_CHARACTERS = 200
_TITLES = "mr|mrs|ms|dr|prof|st|col|capt|lt|sgt|rev|hon|mt|vs"
_SHORT_FORMS = "sr|jr|etc|no|vol|fig|inc|ltd|co|corp|dept|approx|est|ave|blvd|rd|[a-z]"
_SENTENCE_END = re.compile(r"[.?!…]+[\"')\]]*(?=\s|$)")
_NEVER_AN_END = re.compile(rf"(?:^|[\s(\"'])(?:{_TITLES}|[a-hj-z])\.$", re.IGNORECASE)
_SELDOM_AN_END = re.compile(rf"(?:^|[\s(\"'.])(?:{_SHORT_FORMS})\.$", re.IGNORECASE)
_PAUSE = re.compile(r"[,;:]\s")


def split_sentences(text: str, max_characters: int = MAX_CHARACTERS) -> list[str]:
    """Split text at the ends of sentences, long sentences at pauses, and else between words.

    Args:
        text: of any length; lines and paragraphs end a sentence only when a blank line does.
        max_characters: the longest piece allowed, at least 1.

    Returns:
        Pieces that are not empty and hold something to speak, in the order of the text.

    Raises:
        InputError: nothing in the text can be spoken.
    """
    pieces = [
        piece
        for paragraph in re.split(r"\n\s*\n", text)
        for sentence in _sentences(normalize_text(paragraph))
        for piece in _bounded(sentence, max_characters)
        if has_speech(piece)
    ]
    if not pieces:
        raise InputError("The text holds nothing that can be spoken: give an English text.")
    return pieces


def _sentences(text: str) -> Iterator[str]:
    """Yield sentences of a normalized paragraph; 'Dr. Smith' and 'J. Smith' stay whole."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        # Only the last characters decide, which keeps a long paragraph linear in its length.
        before, after = (
            text[max(start, match.end() - 12) : match.end()],
            text[match.end() + 1 : match.end() + 2],
        )
        if _NEVER_AN_END.search(before) and after:
            continue
        if _SELDOM_AN_END.search(before) and (after.islower() or after.isdigit()):
            continue
        yield text[start : match.end()].strip()
        start = match.end()
    yield text[start:].strip()


def _bounded(sentence: str, limit: int) -> Iterator[str]:
    """Yield pieces of at most ``limit`` characters."""
    while len(sentence) > limit:
        window = sentence[: limit + 1]
        pauses = [m.end() - 1 for m in _PAUSE.finditer(window) if m.end() - 1 > limit // 3]
        space = window.rfind(" ")
        cut = pauses[-1] if pauses else space if space > 0 else limit
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
