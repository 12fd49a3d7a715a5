"""Normalization: any Unicode text into the English words and marks that a reader would say.

The result holds ASCII letters, apostrophes inside of words, single spaces, and single marks of
`MARKS` behind words; normalizing it again changes nothing. Every kind of written form has its own
module in `written_forms`; here is their order. Numbers come from num2words, transliteration from
anyascii.
"""

from __future__ import annotations

import html
import re

from mmtts.text.characters import plain_characters
from mmtts.text.written_forms.abbreviations import read_abbreviations
from mmtts.text.written_forms.acronyms import calm_down, is_shouted, read_capitals
from mmtts.text.written_forms.addresses import read_addresses
from mmtts.text.written_forms.dates import read_dates, read_times, read_years
from mmtts.text.written_forms.digit_groups import read_digit_groups
from mmtts.text.written_forms.formulas import read_counts, read_formulas
from mmtts.text.written_forms.money import read_money
from mmtts.text.written_forms.units import read_units

# Changed whenever some text is said in other words, so that what was kept of it is made anew.
VERSION = 2
# The strongest first: of several marks between two words, one is kept.
MARKS = "?!.…;:,"
_LONGEST_WORD = 60
_GIANT = re.compile(r"\S{200}(?=\S)")  # parted, so that reading stays linear in the length
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_EMOTICON = re.compile(r"(?<!\w)(?:[:;=]'?-?[)(DPpOo|\\/*]+|<3|[xX]D)(?![\w/])")
_BULLET = re.compile(r"([^\s.?!,;:]?)[ \t]*(?:\n|^)[ \t]*(?:[-*+•]|#{1,6}|(\d{1,3})[.)])[ \t]+")
_TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|em|li|ul|ol|td|tr|th|h[1-6]|div|img|pre|code|span|strong)\b[^<>]*>"
)
_INLINE_ITEM = re.compile(r"(?<!\S)(?:\(?(\d{1,2})|([a-hA-H]))\)(?=\s)")
_NUMBERED_ITEM = re.compile(r"(?<=\s)(\d{1,2})\.(?=\s)")
_READERS = (
    read_addresses,
    read_counts,
    read_times,
    read_abbreviations,
    read_dates,
    read_digit_groups,
    read_years,
    read_money,
    read_units,
    read_formulas,
)
_SIGNS = (
    (re.compile(r"(?<=\b[A-F])-(?=[\s.,;!?]|$)"), " minus "),
    (re.compile(r"(?<=\b[CF])#"), " sharp "),
    (re.compile(r"(?<=\b[A-F])\+(?!\w)"), " plus "),
    (re.compile(r"(?<![\w'])'n'(?![\w'])"), "and"),
    (re.compile(r"(?<=\w)\((e?s)\)"), r"\1"),
    (re.compile(r"\(([A-Za-z])\)"), lambda m: f" {m[1].upper()} "),
    (re.compile(r"\b([A-Z]{1,2})&([A-Z])\b"), lambda m: f"{' '.join(m[1])} and {m[2]}"),
    (re.compile(r"(?<=\s)-(?=[a-z]\b)"), " dash "),
    (re.compile(r"&"), " and "),
    (re.compile(r"@"), " at "),
    (re.compile(r"%"), " percent "),
    (re.compile(r"°"), " degrees "),
    (re.compile(r"\$"), " dollar "),
    (re.compile("€"), " euro "),
    (re.compile("£"), " pound "),
    (re.compile(r"\.{2,}"), "… "),
    (re.compile(r"(?<=[a-z])\.(?=[a-z])"), " dot "),
    (re.compile(r"(?<!\S)[(\[{]|[)\]}](?=[\s.,;:?!…])"), " , "),
    (re.compile(r"—|(?<=\s)-+(?=\s)|--+|\|"), " , "),
    (re.compile(r"(?<![A-Za-z])'+|'+(?![A-Za-z])"), " "),
    (re.compile(rf"[^A-Za-z'{MARKS}]"), " "),
)
_MARKS = re.compile(rf"\s*[{MARKS}][\s{MARKS}]*")
_LONG = re.compile(rf"[A-Za-z']{{{_LONGEST_WORD}}}(?=[A-Za-z])")


def normalize_text(text: str) -> str:
    """Return what is said, as one line of words and marks; empty when there is nothing to say.

    Letters that no rule can read are left out; see `mmtts.text.characters.left_out`.
    """
    text = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
    text = plain_characters(_GIANT.sub(r"\g<0> ", text))
    text = _TAG.sub(" ", text)
    if re.match(r"\s*1\.\s", text):  # a list in one line
        text = _NUMBERED_ITEM.sub(r", \1, ", text)
    text = " ".join(_BULLET.sub(_begin_item, text).split())
    text = _INLINE_ITEM.sub(_inline_item, _EMOTICON.sub(" ", text))
    shouted = is_shouted(text)
    if shouted:
        text = calm_down(text)
    for read in _READERS:
        text = read(text)
    for pattern, said in _SIGNS:
        text = pattern.sub(said, text)
    text = _MARKS.sub(_strongest, " ".join(text.split()))
    text = read_capitals(text)
    if shouted:
        text = re.sub(
            r"[A-Z][A-Za-z']+", lambda m: m[0] if m[0][1:] == "'s" else m[0].lower(), text
        )
    return " ".join(_LONG.sub(r"\g<0> ", text).lstrip(f"{MARKS} ").split())


def _begin_item(match: re.Match[str]) -> str:
    """End the line before an item of a list, and say the item's number."""
    end = f"{match[1]}. " if match[1] else " "
    return f"{end}{match[2]}, " if match[2] else end


def _inline_item(match: re.Match[str]) -> str:
    return f", {match[1] or match[2].upper()}, "


def _strongest(match: re.Match[str]) -> str:
    return next(mark for mark in MARKS if mark in match[0]) + " "
