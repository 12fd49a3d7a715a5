"""Dates, years and times of day in words."""

from __future__ import annotations

import re

from mmtts.text.numbers import cardinal, ordinal, year

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")
_DECADES_BY_DIGIT = dict(zip("23456789", (*_DECADES, "nineties"), strict=True))
_MONTH = "|".join(MONTHS)
_YEAR = r"(?:1[0-9]|20)\d\d"
_AFTER_DAY = r"(?![\d:%/]|[.,]\d)"
_ISO = re.compile(
    r"(?<![\d-])(\d{4})([-/.])(\d\d?)\2(\d\d?)(?![\d-])", re.ASCII
)  # 2024-03-05, 2024/3/5
_AMERICAN = re.compile(rf"(?<![\d/.])(\d\d?)([/-])(\d\d?)\2({_YEAR}|\d\d)(?![\d/-])")
_GERMAN = re.compile(rf"(?<![\d.])(\d\d?)\.\s?(\d\d?)\.\s?({_YEAR})(?![\d.]*\d)")
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\s+(\d\d?)(?:st|nd|rd|th)?{_AFTER_DAY}\b(?:(,?)\s*({_YEAR})\b(?![,.]?\d))?"
)
_DAY_MONTH = re.compile(
    rf"\b(the\s+)?(\d\d?)(?:st|nd|rd|th)?\s+(?:of\s+)?({_MONTH})\b(?:,?\s+({_YEAR})\b(?![,.]?\d))?",
)
_ERA = re.compile(r"\b(\d{1,4})\s?(BCE|BC|CE|AD|B\.C\.|A\.D\.)(?![A-Za-z])|\bAD\s(\d{1,4})\b")
_DECADE = re.compile(r"(?<![\d.,])(\d\d)?'?([2-9])0'?s\b")
_CENTURY = re.compile(r"(?<![\d.,])(\d\d)00'?s\b")
_YEAR_SPAN = re.compile(rf"(?<![\d.,$€£-])({_YEAR})\s?(?:-|—)\s?({_YEAR}|\d\d)(?![\d,%-]|\.\d)")
_LONE_YEAR = re.compile(
    r"(?<![\d.,:/$€£¥₹#+-])(?:10[1-9]|1[1-9]\d|20\d)\d(?![\d:/%°$€£¥₹-]|[.,]\d)"
)
# A number in front of several things is a count: 1500 miles, 1234 people.
_COUNTED = re.compile(r"\s(?:people|men|women|children|[a-z]{2,}(?<!ou)(?<![aiu])(?<!hi)s)\b")
_NOT_COUNTED = re.compile(r"\s(?:was|is|as|has|its|this|his|does|years|versus)\b")
_ALIGNED = re.compile(
    r"(?<![\d:.])(\d\d?):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?![\d:])(?:\s?([aApP])\.?\s?([mM])\b(\.?))?"
)
_DATE_AND_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z?)")
_FROM_TO = re.compile(
    r"(\d(?:\s?[ap]\.?m\b\.?)?)\s?[-—]\s?(?=\d{1,2}(?::[0-5]\d)?\s?[ap]\.?m\b|\d{1,2}:[0-5]\d)",
    re.I,
)
_HOUR = re.compile(r"(?<![\d:.,])(1[0-2]|0?[1-9])\s?([aApP])\.?\s?[mM]\b(\.?)")


def read_dates(text: str) -> str:
    """Read dates, eras and decades."""
    text = _ISO.sub(lambda m: _date(m, m[1], m[3], m[4]), text)
    text = _AMERICAN.sub(lambda m: _date(m, m[4], m[1], m[3]), text)
    text = _GERMAN.sub(lambda m: _date(m, m[3], m[2], m[1]), text)
    text = _MONTH_DAY.sub(_month_day, text)
    text = _DAY_MONTH.sub(_day_month, text)
    text = _ERA.sub(_era, text)
    text = _DECADE.sub(_decade, text)
    return _CENTURY.sub(_century, text)


def read_years(text: str) -> str:
    """Read spans of years, and four digits alone that are no count."""
    text = _YEAR_SPAN.sub(_year_span, text)
    return _LONE_YEAR.sub(_lone_year, text)


def read_times(text: str) -> str:
    """Read times of day: "17:45", "5 p.m.", "12:00"."""
    text = _DATE_AND_TIME.sub(r"\1 at \2 \3", text)
    text = _FROM_TO.sub(r"\1 to ", text)
    text = _ALIGNED.sub(_time, text)
    return _HOUR.sub(lambda m: f"{cardinal(int(m[1]))} {_half(m[2])}{_stop(m, m[3])}", text)


def _date(match: re.Match[str], year_: str, month: str, day: str) -> str:
    """Read a date of three numbers; the day may stand where Americans write the month."""
    m, d = int(month), int(day)
    if m > 12 >= d:
        m, d = d, m
    if not (1 <= m <= 12 and 1 <= d <= 31):
        return match[0]
    full = int(year_) if len(year_) == 4 else int(year_) + (2000 if int(year_) < 50 else 1900)
    return f"{MONTHS[m - 1]} {ordinal(d)}, {year(full)}"


def _month_day(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31:
        return match[0]
    tail = f"{match[3] or ','} {year(int(match[4]))}" if match[4] else ""
    return f"{match[1]} {ordinal(int(match[2]))}{tail}"


def _day_month(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31:
        return match[0]
    tail = f", {year(int(match[4]))}" if match[4] else ""
    return f"{match[1] or 'the '}{ordinal(int(match[2]))} of {match[3]}{tail}"


def _era(match: re.Match[str]) -> str:
    if match[3]:
        return f"A D {year(int(match[3]))}"
    return f"{year(int(match[1]))} {' '.join(match[2].replace('.', ''))}"


def _decade(match: re.Match[str]) -> str:
    """Read "1990s" as "nineteen nineties"."""
    return f"{cardinal(int(match[1])) if match[1] else ''} {_DECADES_BY_DIGIT[match[2]]}".strip()


def _century(match: re.Match[str]) -> str:
    """Read "1900s" as "nineteen hundreds" and "2000s" as "two thousands"."""
    count = int(match[1])
    return (
        f"{cardinal(count // 10)} thousands" if count % 10 == 0 else f"{cardinal(count)} hundreds"
    )


def _year_span(match: re.Match[str]) -> str:
    later = match[2]
    return (
        f"{year(int(match[1]))} to {year(int(later)) if len(later) == 4 else cardinal(int(later))}"
    )


def _lone_year(match: re.Match[str]) -> str:
    after = match.string[match.end() :]
    is_count = _COUNTED.match(after) and not _NOT_COUNTED.match(after)
    return match[0] if is_count else f" {year(int(match[0]))} "


def _time(match: re.Match[str]) -> str:
    """Read a time; with seconds it is a duration or a clock with seconds."""
    hour, minute, half = int(match[1]), int(match[2]), match[4]
    if hour > 24 and not match[3]:
        return match[0].replace(":", " ")
    if match[3]:
        parts = [cardinal(hour), _minutes(minute) or "zero", _minutes(int(match[3])) or "zero"]
    elif minute:
        parts = [cardinal(hour), _minutes(minute)]
    elif half:
        parts = [cardinal(hour)]
    else:
        parts = [cardinal(hour), "o'clock" if hour <= 12 else "hundred"] if hour else ["midnight"]
    if half:
        parts.append(_half(half))
    return " ".join(parts) + _stop(match, match[6])


def _minutes(minute: int) -> str:
    return f"oh {cardinal(minute)}" if 0 < minute < 10 else cardinal(minute) if minute else ""


def _half(letter: str) -> str:
    return f"{letter.upper()} M"


def _stop(match: re.Match[str], dot: str | None) -> str:
    """Keep the dot of "p.m." where a sentence ends with it."""
    after = match.string[match.end() :]
    return "." if dot and (not after.strip() or re.match(r"[\"')]*\s+[A-Z]", after)) else ""
