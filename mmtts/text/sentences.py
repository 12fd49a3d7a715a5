"""Sentences: long text into pieces that can be spoken one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mmtts import InputError
from mmtts.text.normalization import normalize_text
from mmtts.text.phonemes import warn_of_left_out

# Of words as they are said: some 170 symbols and 12 seconds. Of the lab recipe's 6,032 clips with a
# text, 99.9 % have at most 195 symbols and 15 seconds; longer ones no model has learned to speak.
MAX_CHARACTERS = 200
# Dots of abbreviations are gone from a normalized text; behind an ellipsis a sentence may go on.
_SENTENCE_END = re.compile(r"[.?!](?=\s)|…(?=\s[A-Z])")
_PARAGRAPH_END = re.compile(r"\n\s*\n")
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


def split_sentences(text: str, max_characters: int = MAX_CHARACTERS) -> list[str]:
    """Split text at the ends of sentences, and long sentences where it hurts least.

    Args:
        text: of any length; lines and paragraphs end a sentence only when a blank line does.
        max_characters: the longest piece allowed, at least 1.

    Returns:
        Normalized pieces that are not empty and hold something to speak, in the order of the text.

    Raises:
        InputError: nothing in the text can be spoken.
    """
    warn_of_left_out(text)
    pieces = [
        piece
        for paragraph in _PARAGRAPH_END.split(text)
        for sentence in _sentences(normalize_text(paragraph))
        for piece in _bounded(sentence, max_characters)
        if any(c.isalpha() for c in piece)
    ]
    if not pieces:
        raise InputError("The text holds nothing that can be spoken: give an English text.")
    return pieces


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a normalized paragraph."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
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
