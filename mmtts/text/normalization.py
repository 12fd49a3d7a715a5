"""Normalization: any Unicode text into plain English characters that gruut can read.

gruut itself expands numbers, dates, money and abbreviations; here is what it stumbles over.
"""

from __future__ import annotations

import re
import unicodedata

_QUOTES = str.maketrans({"‘": "'", "’": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "⁄": "/"})
_DECADES = dict(
    zip(
        "23456789",
        [
            "twenties",
            "thirties",
            "forties",
            "fifties",
            "sixties",
            "seventies",
            "eighties",
            "nineties",
        ],
        strict=True,
    )
)
_DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# Longer numbers are read digit by digit: gruut's decimal arithmetic ends there.
_LONGEST_NUMBER = 15
_LONGEST_WORD = 60
_REPLACEMENTS = (
    (re.compile(r"[‒–—―]|(?<=\s)-+(?=\s)|--+"), ", "),
    (re.compile(r"\.{2,}"), "... "),
    (re.compile(r"(?<=[^\W\d_])/(?=[^\W\d_])"), " "),
    (re.compile(r"&"), " and "),
    (re.compile(r"(?<=\w)\s*\+\s*(?=\w)"), " plus "),
    (re.compile(r"(?<=\w)\s*=\s*(?=\w)"), " equals "),
    (re.compile(r"(?<=\w)@(?=\w)"), " at "),
    (re.compile(r"[<>{}|\\^~*_#=+]"), " "),
)
_DECADE = re.compile(r"(?<![\d.,])(\d\d)?'?([2-9])0'?s\b")
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")
_LETTER_DIGIT = re.compile(
    r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=(?!(?:st|nd|rd|th|am|pm)\b)[^\W\d_])", re.I
)
_WORD = re.compile(rf"\w{{{_LONGEST_WORD}}}(?=\w)")


def normalize_text(text: str) -> str:
    """Return one line of text without control characters, odd dashes, symbols and giant numbers.

    Text that is wholly upper-case is lower-cased, because gruut spells upper-case words out; an
    acronym within mixed-case text is left alone.
    """
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES)).translate(_QUOTES)
    text = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    if text.upper() == text:
        text = text.lower()
    for pattern, replacement in _REPLACEMENTS:
        text = pattern.sub(replacement, text)
    text = _DECADE.sub(_name_decade, text)
    text = _NUMBER.sub(_split_number, text)
    text = _LETTER_DIGIT.sub(" ", text)
    return " ".join(_WORD.sub(r"\g<0> ", text).split())


def _name_decade(match: re.Match[str]) -> str:
    """Turn ``1990s`` into ``19 nineties``."""
    return f"{match[1] or ''} {_DECADES[match[2]]}"


def _split_number(match: re.Match[str]) -> str:
    """Leave a number alone unless it has too many digits."""
    digits = re.sub(r"\D", "", match[0])
    return match[0] if len(digits) <= _LONGEST_NUMBER else " ".join(digits)


def spell_digits(text: str) -> str:
    """Replace every digit by its name, and all else but letters by spaces: always readable."""
    named = (
        f" {_DIGITS[int(c)]} " if c in "0123456789" else c if c.isalpha() or c == "'" else " "
        for c in text
    )
    return " ".join("".join(named).split())


def has_speech(text: str) -> bool:
    """Tell whether the text holds at least one Latin letter or digit that can be read aloud."""
    return any(c.isalnum() for c in strip_accents(text))


def strip_accents(text: str) -> str:
    """Return the text's Latin letters without accents; other scripts become spaces."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(
        c if c.isascii() else " " for c in plain if unicodedata.category(c) not in ("Mn", "Me")
    )
