"""Pronunciations in the International Phonetic Alphabet, read as symbols of the models."""

from __future__ import annotations

import re

from mmtts import InputError
from mmtts.text.phonemes import BOUNDARY, GAPS, PAD, SILENCE, SYMBOLS

MOST_SYMBOLS = 50  # of one pronunciation; a word of English has a dozen
_STRESSES = "ˈˌ"
_SOUNDS = frozenset(SYMBOLS) - GAPS - {PAD, SILENCE}
_PLAIN_SOUNDS = frozenset(sound for sound in _SOUNDS if sound[0] not in _STRESSES)
_VOWELS = frozenset(sound[1:] for sound in _SOUNDS if sound[0] in _STRESSES)
# Other spellings of the same American sounds; length is not told apart.
_SPELLINGS = {
    "tʃ": "t͡ʃ",
    "ʧ": "t͡ʃ",
    "dʒ": "d͡ʒ",
    "ʤ": "d͡ʒ",
    "g": "ɡ",
    "r": "ɹ",
    "ɝ": "ɚ",
    "'": "ˈ",
    "ʼ": "ˈ",
    ".": "",
    "ː": "",
}
_TOKEN = re.compile(
    "|".join(map(re.escape, sorted({*_PLAIN_SOUNDS, *_SPELLINGS}, key=len, reverse=True)))
    + rf"|[{_STRESSES}]|\s+"
)


def parse_ipa(written: str) -> tuple[str, ...]:
    """Read a pronunciation.

    Args:
        written: Such as "ˈwɪn" or "nˈu jˈɔɹk": stress in front of its syllable or of its vowel,
            spaces between words.

    Returns:
        Symbols of `mmtts.text.SYMBOLS`, stress as part of its vowel.

    Raises:
        InputError: It is empty, too long, or has a symbol that models have not learned.
    """
    symbols: list[str] = []
    stress, place, written = "", 0, written.strip()
    while place < len(written):
        match = _TOKEN.match(written, place)
        if not match:
            raise InputError(
                f"/{written:.60}/ has {written[place]!r}, which is no sound of the models; they "
                f"know {' '.join(sorted(_PLAIN_SOUNDS))}"
            )
        place, sound = match.end(), _SPELLINGS.get(match[0], match[0])
        if sound in _STRESSES and sound:
            stress = sound
        elif sound.isspace():
            symbols.append(BOUNDARY)
        elif sound:
            symbols.append(stress + sound if sound in _VOWELS else sound)
            stress = "" if sound in _VOWELS else stress
    if stress or not symbols:
        missing = "has a stress without a vowel behind it" if stress else "is no pronunciation"
        raise InputError(f"/{written:.60}/ {missing}; write one such as /ˈwɪn/")
    if len(symbols) > MOST_SYMBOLS:
        raise InputError(
            f"/{written:.60}…/ has {len(symbols)} sounds; at most {MOST_SYMBOLS} belong to a word"
        )
    return tuple(symbols)
