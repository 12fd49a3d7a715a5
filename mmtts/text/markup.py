"""Markup in plain text: `[Nguyen](/wɪn/)` gives a pronunciation, `[pause:0.5s]` a silence."""

from __future__ import annotations

import re

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.ipa import parse_ipa
from mmtts.text.script import Passage, Pause, Script, require_pause

MARKUP = re.compile(r"\[(?P<word>[^\[\]\n]{1,100})\]\(/(?P<ipa>[^/\n]{0,200})/\)|"
                    r"\[pause:(?P<pause>[^\[\]\n]{0,20})\]")  # fmt: skip
# What may yet become markup when more text comes.
UNFINISHED = re.compile(r"\[[^\[\]\n]{0,100}(?:\](?:\((?:/(?:[^/\n]{0,200}/?)?)?)?)?\Z")
_SECONDS = re.compile(r"\s*\+?(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})\s*(ms|s)\s*")


def read_markup(text: str, front_end: FrontEnd = ENGLISH) -> Script:
    """Read a text in which words may have pronunciations and pauses their lengths.

    Args:
        text: In the language of the front end.
        front_end: Of the model that is to speak it, whose sounds pronunciations are made of.

    Raises:
        InputError: A pronunciation or a pause cannot be understood.
    """
    pieces: list[Passage | Pause] = []
    end = 0
    for match in MARKUP.finditer(text):
        pieces.append(Passage(text[end : match.start()]))
        end = match.end()
        if match["pause"] is not None:
            pieces.append(Pause(read_seconds(match["pause"])))
        else:
            pieces.append(Passage(match["word"], parse_ipa(match["ipa"], front_end)))
    pieces.append(Passage(text[end:]))
    return Script(tuple(piece for piece in pieces if piece != Passage("")))


def read_seconds(written: str) -> float:
    """Read "0.5s" or "500ms" as seconds.

    Raises:
        InputError: It is no time, or longer than a pause may be.
    """
    match = _SECONDS.fullmatch(written)
    if not match:
        raise InputError(f"{written.strip()!r} is no length of a pause; write 0.5s or 500ms")
    return require_pause(float(match[1]) / (1000 if match[2] == "ms" else 1))
