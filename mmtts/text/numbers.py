"""Numbers in words, American style, by num2words: cardinals, ordinals, years, digits, decimals."""

from __future__ import annotations

import re

from num2words import num2words

# A longer number is read digit by digit: nobody follows quadrillions.
LONGEST_NUMBER = 15
NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ROMAN = re.compile(r"(?=[IVXLCDM])(M{0,3})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def cardinal(number: int) -> str:
    """Read 1234 as "one thousand two hundred thirty four", and -5 as "minus five"."""
    return _plain(num2words(number))


def ordinal(number: int) -> str:
    """Read 21 as "twenty first"."""
    return _plain(num2words(number, to="ordinal"))


def year(number: int) -> str:
    """Read 1905 as "nineteen oh five" and 2005 as "two thousand five"."""
    return _plain(num2words(number, to="year"))


def digits(written: str) -> str:
    """Read every digit by its name; what is no digit separates."""
    return " ".join(_DIGITS[int(c)] for c in written if c in "0123456789")


def number(written: str) -> str:
    """Read what `NUMBER` matches, with or without a sign: "1,234.50", "-5", ".5", "007"."""
    if written[0] in "-+":
        return f"{'minus' if written[0] == '-' else 'plus'} {number(written[1:])}"
    whole, point, rest = written.replace(",", "").partition(".")
    if len(whole) > LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        said = digits(whole)
    else:
        said = cardinal(int(whole)) if whole else ""
    return f"{said} point {digits(rest)}".strip() if point else said


def plain_value(written: str) -> float:
    """Tell the value of what `NUMBER` matches, for telling one from many."""
    return float(written.replace(",", "")[:LONGEST_NUMBER])


def fraction(numerator: int, denominator: int) -> str:
    """Read 3/4 as "three quarters" and 7/20 as "seven twentieths"."""
    special = {2: ("half", "halves"), 4: ("quarter", "quarters")}
    one = special[denominator][0] if denominator in special else ordinal(denominator)
    many = special[denominator][1] if denominator in special else f"{one}s"
    return f"{cardinal(numerator)} {one if numerator == 1 else many}"


def roman_value(written: str) -> int | None:
    """Tell the value of an upper-case Roman numeral; None when it is none."""
    if not _ROMAN.fullmatch(written):
        return None
    values = [_ROMAN_VALUES[c] for c in written]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < after else value for value, after in pairs)


def _plain(words: str) -> str:
    """Drop what the American style does without: hyphens, commas and "and"."""
    return re.sub(r"\band\b|[,-]", " ", words).replace("  ", " ").strip().replace("  ", " ")
