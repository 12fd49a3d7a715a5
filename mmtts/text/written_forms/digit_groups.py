"""Numbers that are read digit by digit or group by group: telephones, cards, versions."""

from __future__ import annotations

import re

from mmtts.text.numbers import digits, number

_PHONE = re.compile(
    r"(?<![\w.$€£])(?:\+(\d{1,3})[\s.-]?)?(?:\((\d{1,5})\)[\s.-]?)?"
    r"(\d{1,5}(?:[\s.-]\d{1,8}){1,5})(?![\w%°])(?![.,:/-]\d)"
)
_EMERGENCY = re.compile(r"\b([Cc]all|[Dd]ial)\s(\d{3})\b")
_INTERNATIONAL = re.compile(r"(?<![\w.])\+(\d{7,15})\b")
_COMPUTER = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?:/(\d\d?))?(?!\.?\w)")
_VERSION = re.compile(r"(?<![\w.])(v|version\s)?(\d+(?:\.\d+){2,5})(?!\.?\w)", re.IGNORECASE)
_SHORT_VERSION = re.compile(r"(?<![\w.])v(\d+(?:\.\d+)?)(?![\w.]*\d)")


def read_digit_groups(text: str) -> str:
    """Read digit by digit what is dialed or compared: "555-0199", "192.168.0.1", "v2.0.1"."""
    text = _COMPUTER.sub(_computer, text)
    text = _VERSION.sub(_version, text)
    text = _SHORT_VERSION.sub(lambda m: f"version {number(m[1])}", text)
    text = _EMERGENCY.sub(lambda m: f"{m[1]} {digits(m[2])}", text)
    text = _PHONE.sub(_phone, text)
    return _INTERNATIONAL.sub(lambda m: f"plus {digits(m[1])}", text)


def _computer(match: re.Match[str]) -> str:
    said = " dot ".join(number(part) for part in match[1].split("."))
    return f"{said} slash {number(match[2])}" if match[2] else said


def _version(match: re.Match[str]) -> str:
    groups = match[2].split(".")
    if [len(group) for group in groups] == [3, 3, 4]:
        return ", ".join(digits(group) for group in groups)
    if not match[1] and all(len(group) == 3 for group in groups[1:]):
        return match[2].replace(".", "")  # thousands as Germans write them
    return ("version " if match[1] else "") + " point ".join(number(group) for group in groups)


def _phone(match: re.Match[str]) -> str:
    """Read a telephone number; other groups of digits, such as spans and scores, stay."""
    country, area, local = match.groups()
    groups = [group for group in (country, area, *re.split(r"[\s.-]", local)) if group]
    if not (country or area or _is_dialed(local, groups)):
        return match[0]
    said = ", ".join(digits(group) for group in groups)
    return f"{'plus ' if country else ''}{said}"


def _is_dialed(local: str, groups: list[str]) -> bool:
    marks = set(re.findall(r"[\s.-]", local))
    if len(marks) > 1 and " " not in marks:
        return False
    lengths = tuple(map(len, groups))
    if lengths == (3, 4):  # 555-0199
        return marks == {"-"}
    if marks == {" "} and all(length == 3 for length in lengths[1:]) and groups[0][0] != "0":
        return False  # thousands with thin spaces
    longest = 8 if groups[0][0] == "0" or len(groups) > 4 else 5
    fewest = 2 if groups[0][0] == "0" else 3
    return len(groups) >= fewest and sum(lengths) >= 7 and max(lengths) <= longest
