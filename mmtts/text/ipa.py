"""Pronunciations in the International Phonetic Alphabet, read as symbols of the models."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.symbols import BOUNDARY, MARKERS, STRESSES

MOST_SYMBOLS = 50  # of one pronunciation; a word of English has a dozen


class Sounds(NamedTuple):
    """How the sounds of an inventory are written.

    Attributes:
        plain: All, without stress.
        vowels: Those that can be stressed.
        token: Matches one, or a stress, or spaces.
    """

    plain: frozenset[str]
    vowels: frozenset[str]
    token: re.Pattern[str]


@cache
def sounds_of(front_end: FrontEnd) -> Sounds:
    """Tell the sounds of a front end."""
    sounds = frozenset(front_end.symbols) - frozenset(MARKERS)
    plain = frozenset(sound for sound in sounds if sound[0] not in STRESSES)
    vowels = frozenset(sound[1:] for sound in sounds if sound[0] in STRESSES)
    written = sorted({*plain, *front_end.spellings}, key=len, reverse=True)
    token = re.compile("|".join(map(re.escape, written)) + rf"|[{STRESSES}]|\s+")
    return Sounds(plain, vowels, token)


def read_sounds(written: str, front_end: FrontEnd) -> tuple[list[str], str]:
    """Read sounds one by one.

    Args:
        written: In IPA.
        front_end: Whose symbols they become.

    Returns:
        Symbols, and a stress that no vowel came behind.

    Raises:
        InputError: Something is no sound of the front end.
    """
    known = sounds_of(front_end)
    symbols: list[str] = []
    stress, place = "", 0
    while place < len(written):
        match = known.token.match(written, place)
        if not match:
            raise InputError(
                f"/{written:.60}/ has {written[place]!r}, which is no sound of the models; they "
                f"know {' '.join(sorted(known.plain))}"
            )
        place, sound = match.end(), front_end.spellings.get(match[0], match[0])
        if sound in STRESSES and sound:
            stress = sound
        elif sound.isspace():
            symbols.append(BOUNDARY)
        elif sound:
            symbols.append(stress + sound if sound in known.vowels else sound)
            stress = "" if sound in known.vowels else stress
    return symbols, stress


def parse_ipa(written: str, front_end: FrontEnd = ENGLISH) -> tuple[str, ...]:
    """Read a pronunciation.

    Args:
        written: Such as "ˈwɪn" or "nˈu jˈɔɹk": stress in front of its syllable or of its vowel,
            spaces between words.
        front_end: Of the model that is to speak it.

    Returns:
        Symbols of the front end, stress as part of its vowel.

    Raises:
        InputError: It is empty, too long, or has a symbol that models have not learned.
    """
    written = written.strip()
    symbols, stress = read_sounds(written, front_end)
    if stress or not symbols:
        missing = "has a stress without a vowel behind it" if stress else "is no pronunciation"
        raise InputError(f"/{written:.60}/ {missing}; write one such as /ˈwɪn/")
    if len(symbols) > MOST_SYMBOLS:
        raise InputError(
            f"/{written:.60}…/ has {len(symbols)} sounds; at most {MOST_SYMBOLS} belong to a word"
        )
    return tuple(symbols)
