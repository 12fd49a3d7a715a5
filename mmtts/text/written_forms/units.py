"""Percentages, degrees and units of measurement in words."""

from __future__ import annotations

import re

from mmtts.text.numbers import NUMBER, number, plain_value

# As written behind a number; the plural is regular but for the irregular ones below.
_UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "microm": "micrometer",
    "nm": "nanometer",
    "mi": "mile",
    "yd": "yard",
    "ft": "foot",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "microg": "microgram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "gal": "gallon",
    "l": "liter",
    "L": "liter",
    "cl": "centiliter",
    "ml": "milliliter",
    "mL": "milliliter",
    "tbsp": "tablespoon",
    "tsp": "teaspoon",
    "ha": "hectare",
    "mol": "mole",
    "s": "second",
    "sec": "second",
    "secs": "second",
    "ms": "millisecond",
    "micros": "microsecond",
    "ns": "nanosecond",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "GW": "gigawatt",
    "Wh": "watt hour",
    "kWh": "kilowatt hour",
    "mAh": "milliamp hour",
    "mA": "milliamp",
    "V": "volt",
    "mV": "millivolt",
    "kV": "kilovolt",
    "N": "newton",
    "J": "joule",
    "ohm": "ohm",
    "kohm": "kilohm",
    "Mohm": "megohm",
    "kJ": "kilojoule",
    "cal": "calorie",
    "kcal": "kilocalorie",
    "Pa": "pascal",
    "hPa": "hectopascal",
    "kPa": "kilopascal",
    "psi": "pound per square inch",
    "dB": "decibel",
    "px": "pixel",
    "kB": "kilobyte",
    "KB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "mph": "mile per hour",
    "kph": "kilometer per hour",
    "mpg": "mile per gallon",
    "rpm": "revolution per minute",
    "fps": "frame per second",
}
_SAME = ("hertz",)
_POWERS = {"2": "square", "3": "cubic"}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_SIGN = r"(?<![\w.,°$])([-+]?)"
_PERCENT = re.compile(rf"{_SIGN}({NUMBER})\s?%(?!\w)")
_PERCENT_SPAN = re.compile(rf"{_SIGN}({NUMBER})(?:\s?%)?\s?[-—]\s?({NUMBER})\s?%(?!\w)")
_ANGLE = re.compile(rf"({NUMBER})\s?°\s?({NUMBER})'\s?(?:({NUMBER})(?:''|\"))?\s?([NSEW]\b)?")
_DEGREES = re.compile(rf"{_SIGN}({NUMBER})\s?°\s?(?:([CFK])\b|([NSEW])\b)?")
_KELVIN = re.compile(rf"({NUMBER})\sK\b")
_HEATS = {"C": " Celsius", "F": " Fahrenheit", "K": " Kelvin"}
_POINTS = {"N": " north", "S": " south", "E": " east", "W": " west"}
_HEIGHT = re.compile(r"(?<![\w'])(\d)'\s?(\d\d?)(?:''|\"|(?![\w']))")
_SQUARE = re.compile(rf"({NUMBER})\s?(sq|cu)\.?\s?({_UNIT}|in)\b\.?")
_MEASURE = re.compile(
    rf"{_SIGN}({NUMBER})(\s?)({_UNIT})(?:\^?([23]))?(?:\s?/\s?({_UNIT})(?:\^?([23]))?)?(?![\w^°'])(?:\.(?=\s[a-z]))?"
)
_SPAN = re.compile(rf"{_SIGN}({NUMBER})\s?[-—]\s?(?={NUMBER}\s?(?:{_UNIT})(?![\w']))")


def read_units(text: str) -> str:
    """Read measures: "5 km/h" as "five kilometers per hour", "-3°C" and "12 m^2"."""
    text = _PERCENT_SPAN.sub(lambda m: f"{_signed(m)} to {number(m[3])} percent", text)
    text = _PERCENT.sub(lambda m: f"{_signed(m)} percent", text)
    text = _ANGLE.sub(_angle, text)
    text = _DEGREES.sub(_degrees, text)
    text = _KELVIN.sub(lambda m: f"{number(m[1])} kelvin", text)
    text = _HEIGHT.sub(lambda m: f"{number(m[1])} foot {number(m[2])}", text)
    text = _SQUARE.sub(_square, text)
    text = _SPAN.sub(lambda m: f"{_signed(m)} to ", text)
    return _MEASURE.sub(_measure, text)


def _signed(match: re.Match[str]) -> str:
    return number(match[1] + match[2])


def _degrees(match: re.Match[str]) -> str:
    ending = _HEATS.get(match[3] or "", "") + _POINTS.get(match[4] or "", "")
    return f"{_signed(match)} {_count('degree', match[2])}{ending} "


def _angle(match: re.Match[str]) -> str:
    parts = [f"{number(match[1])} {_count('degree', match[1])}"]
    parts.append(f"{number(match[2])} {_count('minute', match[2])}")
    if match[3]:
        parts.append(f"{number(match[3])} {_count('second', match[3])}")
    return f"{' '.join(parts)}{_POINTS.get(match[4] or '', '')} "


def _square(match: re.Match[str]) -> str:
    power = "square" if match[2] == "sq" else "cubic"
    return f"{number(match[1])} {power} {_count(_UNITS.get(match[3], 'inch'), match[1])}"


def _measure(match: re.Match[str]) -> str:
    _, amount, space, unit, power, per, per_power = match.groups()
    if not space and (unit in "sm" and len(amount) > 3):  # 1990s, and nothing that is measured
        return match[0]
    if re.search(r"\b[Aa]n?\s$", match.string[: match.start()]):  # a 5 km run
        said = f"{_signed(match)} {_name(unit, power, '1')}"
    else:
        said = f"{_signed(match)} {_name(unit, power, amount)}"
    return f"{said} per {_name(per, per_power, '1')}" if per else said


def _name(unit: str, power: str | None, amount: str) -> str:
    prefix = f"{_POWERS[power]} " if power else ""
    return prefix + _count(_UNITS[unit], amount)


def _count(unit: str, amount: str) -> str:
    """Put a unit into the plural unless there is one: "miles per hour"."""
    head, per, rest = unit.partition(" per ")
    if plain_value(amount) != 1 and head not in _SAME and not head.endswith("hertz"):
        irregular = {"foot": "feet", "inch": "inches"}
        head = irregular.get(head, f"{head}s")
    return head + per + rest
