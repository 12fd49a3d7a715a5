"""SSML, the part of it that can be spoken truthfully; everything else is refused by its name.

After Speech Synthesis Markup Language 1.1, https://www.w3.org/TR/speech-synthesis11/: speak, p,
s, break, phoneme, sub, prosody with rate, volume and pitch, and say-as.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.ipa import parse_ipa
from mmtts.text.markup import read_seconds
from mmtts.text.safe_xml import Element, parse_xml
from mmtts.text.script import PLAIN, Delivery, Passage, Pause, Script

MOST_CHARACTERS = 1_000_000
_BREAKS = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.7, "x-strong": 1.2}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
_VOLUMES = {"x-soft": -12, "soft": -6, "medium": 0, "default": 0, "loud": 6, "x-loud": 12}
# In lengths of the direction, which is the way from low voices to high ones.
_PITCHES = {"x-low": -1, "low": -0.5, "medium": 0, "default": 0, "high": 0.5, "x-high": 1}
_PERCENT = re.compile(r"([+-]?)(\d{1,4}(?:\.\d{1,4})?)%")
_FACTOR = re.compile(r"\d{1,2}(?:\.\d{1,4})?")
_DECIBELS = re.compile(r"([+-]\d{1,2}(?:\.\d{1,4})?)dB")
_SLOWEST, _FASTEST, _LOUDEST = 0.25, 4.0, 20.0


class _Draft(NamedTuple):
    """A script as far as it has come."""

    pieces: list[Passage | Pause]
    front_end: FrontEnd


def read_ssml(xml: str, front_end: FrontEnd = ENGLISH) -> Script:
    """Read an SSML document.

    Args:
        xml: In the language of the front end.
        front_end: Of the model that is to speak it.

    Raises:
        InputError: It is no well-formed XML, it is too long, deep or declares entities, or it
            asks for something unknown.
    """
    root = parse_xml(xml.strip(), "the SSML", MOST_CHARACTERS)
    if root.tag != "speak":
        raise InputError(f"SSML begins with <speak>, not with <{root.tag:.40}>")
    draft = _Draft([], front_end)
    _read_paragraph(root, PLAIN, draft)
    return Script(tuple(draft.pieces))


def _read(element: Element, delivery: Delivery, draft: _Draft) -> None:
    """Append what an element says."""
    if element.tag not in _READERS:
        raise InputError(
            f"<{element.tag:.40}> is not understood; known are {', '.join(sorted(_READERS))}"
        )
    _READERS[element.tag](element, delivery, draft)


def _read_children(element: Element, delivery: Delivery, draft: _Draft) -> None:
    for child in element.children:
        if isinstance(child, Element):
            _read(child, delivery, draft)
        else:  # line ends in XML are mere spaces
            draft.pieces.append(Passage(" ".join(re.split(r"\s+", child)), (), delivery))


def _read_paragraph(element: Element, delivery: Delivery, draft: _Draft) -> None:
    """Read a document, a paragraph or a sentence: blank lines around it end sentences."""
    front_end = draft.front_end
    spoken = front_end.language.partition("-")[0]
    language = element.take("version", "xml:lang", "xml:base").get("xml:lang", spoken)
    if not re.fullmatch(rf"{spoken}(?:-\w+)?", language, re.IGNORECASE):
        raise InputError(
            f"the language {language!r:.40} is not spoken; {front_end.name} is "
            f"(xml:lang='{spoken}')"
        )
    draft.pieces.append(Passage("\n\n", (), delivery))
    _read_children(element, delivery, draft)
    draft.pieces.append(Passage("\n\n", (), delivery))


def _read_break(element: Element, delivery: Delivery, draft: _Draft) -> None:
    given = element.take("time", "strength")
    if element.children:
        raise InputError("<break> is empty; close it as <break/>")
    seconds = _choose(_BREAKS, given.get("strength", "medium"), "break strength")
    if "time" in given:
        seconds = read_seconds(given["time"])
    if seconds:
        draft.pieces.append(Pause(seconds))


def _read_phoneme(element: Element, delivery: Delivery, draft: _Draft) -> None:
    given = element.take("alphabet", "ph")
    alphabet = given.get("alphabet", "ipa")
    if alphabet != "ipa":
        raise InputError(f"the alphabet of phonemes is ipa, not {alphabet!r:.40}")
    phonemes = parse_ipa(given.get("ph", ""), draft.front_end)
    draft.pieces.append(Passage(element.text() or given["ph"], phonemes, delivery))


def _read_sub(element: Element, delivery: Delivery, draft: _Draft) -> None:
    given = element.take("alias")
    element.text()
    if "alias" not in given:
        raise InputError("<sub> needs an alias, which is said in its place")
    draft.pieces.append(Passage(given["alias"], (), delivery))


def _read_say_as(element: Element, delivery: Delivery, draft: _Draft) -> None:
    given = element.take("interpret-as", "format")
    way, form = given.get("interpret-as", ""), given.get("format", "")
    said = draft.front_end.say_as(element.text(), way, form)
    draft.pieces.append(Passage(f" {said} ", (), delivery))


def _read_prosody(element: Element, delivery: Delivery, draft: _Draft) -> None:
    given = element.take("rate", "volume", "pitch")
    if not given:
        raise InputError("<prosody> needs a rate, a volume or a pitch")
    pace = delivery.pace * _rate(given.get("rate", "default"))
    loudness = delivery.loudness + _volume(given.get("volume", "default"))
    pitch = _choose(_PITCHES, given["pitch"], "pitch") if "pitch" in given else delivery.pitch
    if not _SLOWEST <= pace <= _FASTEST:
        raise InputError(f"a rate is from {_SLOWEST:.0%} to {_FASTEST:.0%}, not {pace:.0%}")
    if abs(loudness) > _LOUDEST:
        raise InputError(f"a volume is from -{_LOUDEST:g}dB to +{_LOUDEST:g}dB, not {loudness:g}dB")
    _read_children(element, replace(delivery, pace=pace, loudness=loudness, pitch=pitch), draft)


def _rate(written: str) -> float:
    """Return the factor that "slow", "80%", "+10%" or "1.2" stand for."""
    if match := _PERCENT.fullmatch(written):
        change = float(match[2]) / 100
        return 1 + change if match[1] == "+" else 1 - change if match[1] else change
    if _FACTOR.fullmatch(written):
        return float(written)
    return _choose(_RATES, written, "rate", " or a percentage such as 80%")


def _volume(written: str) -> float:
    """Return the dB that "soft" or "+3dB" stand for."""
    if match := _DECIBELS.fullmatch(written):
        return float(match[1])
    return _choose(_VOLUMES, written, "volume", " or a change such as +3dB")


def _choose(known: Mapping[str, float], word: str, what: str, more: str = "") -> float:
    if word not in known:
        raise InputError(f"a {what} is {', '.join(known)}{more}, not {word!r:.40}")
    return known[word]


_READERS: dict[str, Callable[[Element, Delivery, _Draft], None]] = {
    "p": _read_paragraph,
    "s": _read_paragraph,
    "break": _read_break,
    "phoneme": _read_phoneme,
    "sub": _read_sub,
    "prosody": _read_prosody,
    "say-as": _read_say_as,
}
