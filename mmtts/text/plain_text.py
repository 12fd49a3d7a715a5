"""Plain text: any language but English as words and marks, by rules that hold for many of them.

The result holds letters, digits and a few signs that eSpeak NG names, apostrophes and hyphens
inside of words, single spaces, and single marks of `MARKS` behind words; normalizing it again
changes nothing. Whole numbers are written out by num2words where it knows the language; other
digits, and abbreviations, are left to eSpeak NG.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from mmtts.text.normalization import MARKS

# Changed whenever some text is said in other words, so that what was kept of it is made anew.
VERSION = 1
_LONGEST_WORD = 60
_SIGNS = frozenset("%&+=@€$£§°'-\u200c\u200d")
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("‘’ʼ`´", "'"),
        **dict.fromkeys("‐‑−", "-"),
        **dict.fromkeys("。｡．۔።।॥։", ". "),
        **dict.fromkeys("，、،", ", "),
        **dict.fromkeys("？؟\u037e", "? "),
        **dict.fromkeys("！", "! "),
        **dict.fromkeys("；؛\u0387", "; "),
        **dict.fromkeys("：", ": "),
        **dict.fromkeys("()[]{}（）—", " , "),
        "⋯": "…",
    }
)
_DOTS = re.compile(r"\.{2,}")
_DASH = re.compile(r"(?<=\s)[-–]+(?=\s)|--+")
_NUMBER = re.compile(r"(?<![\w.,:'+-])(?:0|[1-9][0-9]{0,14})(?![\w'-]|[.,:]\d)")
_LOOSE = re.compile(r"(?<!\w)'|'(?!\w)|(?<!\w)-(?!\d)|-(?!\w)")
_INSIDE = re.compile(r"[.:](?=[^\W\d])")  # of a name on the net
_LETTER = re.compile(r"\b([^\W\d])\.(?= \w)")  # of "z. B."
_MARK = re.compile(rf"\s*(?!(?<=\d)[.,:](?=\d))[{MARKS}][\s{MARKS}]*")
_LONG = re.compile(rf"\S{{{_LONGEST_WORD}}}(?=\S)")
# num2words knows these by other codes, or writes signs that eSpeak NG does not read.
_NUMBER_LANGUAGES = {"nb": "no", "ja": ""}


def normalize_plain_text(text: str, language: str) -> str:
    """Return what is said, as one line of words and marks; empty when there is nothing to say.

    Args:
        text: Of any length.
        language: Code of its language, such as "de".
    """
    text = unicodedata.normalize("NFC", text).translate(_CHARACTERS)
    text = _DASH.sub(" , ", _DOTS.sub("… ", text))
    text = "".join(char if _is_spoken(char) or char in MARKS else " " for char in text)
    text = " ".join(_INSIDE.sub(" ", _LOOSE.sub(" ", text)).split())
    text = _LETTER.sub(_letter, _MARK.sub(_strongest, text).lstrip(f"{MARKS} "))
    if kind := number_language(language):
        text = _NUMBER.sub(lambda match: say_number(int(match[0]), kind), text)
    return _LONG.sub(r"\g<0> ", text).strip()


@cache
def number_language(language: str) -> str:
    """Return num2words' code of a language, or of the one that it is a kind of; '' for none."""
    from num2words import CONVERTER_CLASSES

    base, _, region = language.partition("-")
    codes = (f"{base}_{region.upper()}", _NUMBER_LANGUAGES.get(base, base))
    return next((code for code in codes if code in CONVERTER_CLASSES), "")


def say_number(number: int, language: str, way: str = "cardinal") -> str:
    """Write a number in words.

    Args:
        number: At least 0.
        language: From `number_language`.
        way: "cardinal" or "ordinal".

    Returns:
        The words, or the digits where they cannot be found.
    """
    from num2words import num2words

    try:
        said = num2words(number, lang=language, to=way)
    except (NotImplementedError, OverflowError, LookupError, TypeError, ValueError):
        return str(number)
    return " ".join(str(said).replace(",", " ").split())


def _is_spoken(char: str) -> bool:
    """Tell letters with their accents, digits and the signs that eSpeak NG names."""
    return unicodedata.category(char)[0] in "LMN" or char in _SIGNS


def _letter(match: re.Match[str]) -> str:
    """Drop the dot behind a letter, but not behind a sign that is a word of its own."""
    return match[1] if match[1].lower() != match[1].upper() else match[0]


def _strongest(match: re.Match[str]) -> str:
    return next(mark for mark in MARKS if mark in match[0]) + " "
