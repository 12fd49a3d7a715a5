"""`say-as` of SSML: a text in the words of the way in which it is to be read."""

from __future__ import annotations

import re

from mmtts import InputError
from mmtts.text.numbers import NUMBER, digits, number, ordinal, year
from mmtts.text.written_forms.dates import MONTHS

WAYS = ("cardinal", "characters", "date", "digits", "ordinal")
_LONGEST = 100
_SIGNS = {
    ".": "dot",
    ",": "comma",
    "-": "dash",
    "_": "underscore",
    "/": "slash",
    "\\": "backslash",
    "@": "at",
    "#": "hash",
    "+": "plus",
    "*": "star",
    "&": "and",
    ":": "colon",
    ";": "semicolon",
    "!": "exclamation mark",
    "?": "question mark",
    "'": "apostrophe",
    "%": "percent",
    "$": "dollar",
    "=": "equals",
    "(": "open parenthesis",
    ")": "close parenthesis",
}
_ISO_DATE = re.compile(r"\d{4}\D\d\d?\D\d\d?", re.ASCII)


def say_as(written: str, way: str, form: str = "") -> str:
    """Read a text in one of `WAYS`.

    Args:
        written: "2024", "AB-1", "3/5/2024" or the like.
        way: One of `WAYS`.
        form: Of a date, the order of its parts: "mdy", "ymd", "my" and so on; by default "ymd"
            when the year comes first and "mdy" otherwise.

    Raises:
        InputError: The way is unknown, or the text cannot be read in it.
    """
    written = written.strip()
    if way not in WAYS:
        raise InputError(f"say-as knows {', '.join(WAYS)}, not {way!r:.40}")
    if form and way != "date":
        raise InputError(f"say-as takes a format for dates alone, not for {way}")
    said = ""
    if written.isascii() and 0 < len(written) <= _LONGEST:
        if way == "cardinal" and re.fullmatch(rf"[-+]?{NUMBER}", written):
            said = number(written)
        elif way == "ordinal" and re.fullmatch(r"\d{1,15}", written):
            said = ordinal(int(written))
        elif way == "digits" and re.fullmatch(r"[\d\s.,()/+-]+", written):
            said = digits(written)
        elif way == "characters":
            said = _spell(written)
        elif way == "date":
            said = _read_date(written, form)
    if not said:
        raise InputError(f"{written!r:.60} cannot be said as {way}")
    return said


def _spell(written: str) -> str:
    """Name every character; nothing when one has no name."""
    named = [
        char.upper() if char.isalpha() else digits(char) if char.isdigit() else _SIGNS.get(char, "")
        for char in written
        if not char.isspace()
    ]
    return " ".join(named) if all(named) else ""


def _read_date(written: str, form: str) -> str:
    """Read the parts of a date in American order; nothing when they are none."""
    parts = re.findall(r"\d+", written)
    form = form or ("ymd" if _ISO_DATE.fullmatch(written) else "mdy"[: max(2, len(parts))])
    letters = sorted(form)
    if not re.fullmatch("d?m?y?", "".join(letters)) or len(parts) != len(form):
        return ""
    values = dict(zip(form, map(int, parts), strict=True))
    if not (1 <= values.get("m", 1) <= 12 and 1 <= values.get("d", 1) <= 31):
        return ""
    if values.get("y", 1) > 9999 or ("y" in values and not values["y"]):
        return ""
    month = MONTHS[values["m"] - 1] if "m" in values else ""
    day = ordinal(values["d"]) if "d" in values else ""
    said = [" ".join(filter(None, (month, day)))] if month or day else []
    return ", ".join([*said, *([year(values["y"])] if "y" in values else [])])
