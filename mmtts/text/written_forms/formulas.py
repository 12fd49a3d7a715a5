"""Plain numbers, fractions, spans, powers and the signs between them in words."""

from __future__ import annotations

import re

from mmtts.text.numbers import NUMBER, cardinal, fraction, number, ordinal
from mmtts.text.written_forms.dates import MONTHS
from mmtts.text.written_forms.money import SCALES

_ORDINAL = re.compile(r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_HEX = re.compile(r"\b0x([0-9a-fA-F]+)\b")
_SCIENTIFIC = re.compile(rf"({NUMBER})[eE]([-+]?\d{{1,3}})\b")
_POWER = re.compile(r"\^\s?\(?([-+]?\w+)\)?")
_MIXED = re.compile(r"(?<![\d./])(\d+)[\s-](\d{1,2})/(\d{1,2})(?![\d/])")
_RATIO = re.compile(rf"(?<![\d/])({NUMBER})\s?/\s?({NUMBER})(?![\d/])")
_TIMES = re.compile(r"(?<![\d:])(\d{1,3}):(\d{1,3})(?![\d:])")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d.])")
_SPAN = re.compile(rf"(?<![\w.,-])({NUMBER})(?:\s?—\s?|-)({NUMBER})(?![\w-]|\.\d)")
_SIGNED = re.compile(rf"(?<![\w.,)-])([-+]?)({NUMBER})(?:\s?(million|billion)\b)?")
_SCALED = re.compile(r"(?<![\w.,])(\d+(?:\.\d+)?)(M)\b(?!-)")
_COUNT = re.compile(r"(?<![\w&])(?:#|[Nn]o\.|[Nn]os\.|[Nn]r\.)\s?(?=\d)")
_CALL = re.compile(r"\b([fgh])\(([a-z])\)")
_OPERAND = r"[\w()\[\]]"
_SIGNS = (
    (re.compile(rf"(?<=\d)-(?={NUMBER}\s*=)"), " minus "),
    (re.compile(rf"(?<=\d)/(?={NUMBER}\s*=)"), " divided by "),
    (re.compile(r"=\s*-(?=[a-z]\b)"), "= minus "),
    (re.compile(r"(?<=\d)!(?=\s+(?:[a-z]|=))"), " factorial"),
    (re.compile(rf"(?<={_OPERAND})\s*(?:<=|=<)\s*"), " is less than or equal to "),
    (re.compile(rf"(?<={_OPERAND})\s*>=\s*"), " is greater than or equal to "),
    (re.compile(rf"(?<={_OPERAND})\s*!=\s*"), " is not equal to "),
    (re.compile(r"(?<=\w)\s+<\s+(?=[\w-])|(?<=\d)<(?=\d)"), " is less than "),
    (re.compile(r"(?<=\w)\s+>\s+(?=[\w-])|(?<=\d)>(?=\d)"), " is greater than "),
    (re.compile(r"\s*[=-]+>\s*"), ", "),
    (re.compile(rf"(?<={_OPERAND})\s*\+=\s*"), " plus equals "),
    (re.compile(rf"(?<={_OPERAND})\s*={{1,3}}\s*(?=\S)"), " equals "),
    (re.compile(r"\+\+"), " plus plus "),
    (re.compile(rf"(?<={_OPERAND})\s*\+\s*(?={_OPERAND})"), " plus "),
    (re.compile(r"(?<=[\d)])\s+-\s+(?=[\d(])|(?<=\b[a-z])\s+-\s+(?=[\da-z]\b)"), " minus "),
    (re.compile(r"(?<=[\d)])\s*\*\s*(?=[\d(])|(?<=\b[a-z])\s\*\s(?=\w)"), " times "),
    (re.compile(r"(?<=\w)\s*\*\*\s*(?=\d)"), "^"),
    (re.compile(r"(?<=\d)\s+/\s+(?=\d)"), " divided by "),
    (re.compile(r"(?<=\d)\s?[xX]\s?(?=\d+(?:\s|$|[.,;:?!)]))"), " x "),
    (re.compile(r"~\s?(?=[\d$€£])"), " about "),
    (re.compile(r"(?<=\d)\+(?=\s|$|[.,;:?!])"), " plus "),
)
_FAMILIAR_PAIRS = {"24/7", "9/11", "7/11", "50/50", "20/20"}
_NAMED_RATIOS = (8, 10, 12, 16, 20, 32, 50, 64, 100, 1000)


def read_counts(text: str) -> str:
    """Read "#5" and "No. 5" as "number five"."""
    return _COUNT.sub("number ", text)


def read_formulas(text: str) -> str:
    """Read every number that no other rule has read, and the signs of arithmetic."""
    text = _CALL.sub(r"\1 of \2", text)
    text = _HEX.sub(lambda m: f"hex {' '.join(m[1].upper())}", text)
    text = _SCIENTIFIC.sub(
        lambda m: f"{number(m[1])} times ten to the power of {number(m[2])}", text
    )
    for pattern, said in _SIGNS:
        text = pattern.sub(said, text)
    text = _POWER.sub(_power, text)
    text = _ORDINAL.sub(lambda m: ordinal(int(m[1].replace(",", ""))), text)
    text = _MIXED.sub(lambda m: f"{cardinal(int(m[1]))} and {_ratio_words(m[2], m[3])}", text)
    text = _RATIO.sub(lambda m: _ratio_words(m[1], m[2]), text)
    text = _TIMES.sub(lambda m: f"{number(m[1])} to {number(m[2])}", text)
    text = _THOUSANDS.sub(lambda m: m[0].replace(" ", ""), text)
    text = _SCALED.sub(lambda m: f"{number(m[1])} {SCALES[m[2].lower()]}", text)
    text = _SPAN.sub(lambda m: f"{number(m[1])} to {number(m[2])}", text)
    text = _SIGNED.sub(_signed, text)
    return re.sub(NUMBER, lambda m: f" {number(m[0])} ", text)


def _power(match: re.Match[str]) -> str:
    named = {"2": " squared", "3": " cubed"}
    return named.get(match[1], f" to the power of {match[1]}")


def _ratio_words(above: str, below: str) -> str:
    if f"{above}/{below}" in _FAMILIAR_PAIRS:
        return f"{number(above)} {number(below)}"
    if above.isdigit() and below.isdigit():
        a, b = int(above), int(below)
        if 0 < a < b and (2 <= b <= 10 or b in _NAMED_RATIOS):
            return fraction(a, b)
        if 1 <= a <= 12 < b <= 31 and b not in _NAMED_RATIOS:
            return f"{MONTHS[a - 1]} {ordinal(b)}"
    return f"{number(above)} over {number(below)}"


def _signed(match: re.Match[str]) -> str:
    scale = f" {match[3]}" if match[3] else ""
    return f" {number(match[1] + match[2])}{scale} "
