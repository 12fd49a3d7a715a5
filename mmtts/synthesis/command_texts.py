"""The texts that the command line of `mmtts.synthesize` is given, read in the model's language."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts import InputError

if TYPE_CHECKING:
    from mmtts.text.front_end import FrontEnd
    from mmtts.text.script import Script

MAX_TEXT_BYTES = 20_000_000


def read_text(text: str | None) -> str | None:
    """Return the text, from standard input when it is '-'.

    Raises:
        InputError: Standard input is not UTF-8 or endless.
    """
    if text != "-":
        return text
    raw = sys.stdin.buffer.read(MAX_TEXT_BYTES + 1)
    if len(raw) > MAX_TEXT_BYTES:
        raise InputError(f"standard input has more than {MAX_TEXT_BYTES:,} bytes; split the text")
    return _decode(raw, "standard input")


def find_front_end(options: argparse.Namespace) -> FrontEnd:
    """Find how the model reads texts; where phonemes are to be shown and there is none, English.

    Raises:
        InputError: The model is named and there is none, or its language cannot be read here.
    """
    from mmtts.synthesis.system_folder import default_model, read_front_end
    from mmtts.text import ENGLISH

    try:
        model = options.model or default_model()
    except InputError:
        if options.phonemes:
            return ENGLISH
        raise
    return read_front_end(model)


def read_script(text: str, options: argparse.Namespace) -> Script:
    """Read a text in the way in which the options say it is written.

    Raises:
        InputError: It cannot be understood.
    """
    from mmtts.text import read_markup, read_ssml

    read = read_ssml if options.ssml else read_markup
    return read(text, options.front_end)


def read_lines(options: argparse.Namespace) -> list[tuple[int, Script]]:
    """Read the lines of the text file that are not blank, with their numbers.

    Raises:
        InputError: The file cannot be read, or holds a line that cannot be spoken.
    """
    from mmtts.text.lines import compose

    path = Path(options.text_file)
    try:
        lines = _decode(path.read_bytes(), str(path)).splitlines()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    numbered = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            numbered.append((number, read_script(line, options)))
            compose(numbered[-1][1], options.lexicon, options.front_end)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error
    if not numbered:
        raise InputError(f"{path} is empty; write one text per line")
    return numbered


def print_phonemes(text: str | None, options: argparse.Namespace) -> None:
    """Print what would be said, a line of words and a line of phonemes for each sentence.

    Raises:
        InputError: There is nothing to speak.
    """
    from mmtts.text.lines import compose
    from mmtts.text.phonemes import PUNCTUATION, lay_words, warn_of_left_out

    front_end = options.front_end
    given = [(0, read_script(text, options))] if text is not None else read_lines(options)
    for number, script in given:
        warn_of_left_out(script.text, front_end)
        if number:
            print(f"# line {number}")
        for line in filter(lambda line: line.text, compose(script, options.lexicon, front_end)):
            symbols, _ = lay_words([word for word, _ in line.read()])
            shown = (f"{s} " if s in PUNCTUATION else s for s in symbols[1:-1])
            print(line.said, "".join(shown).strip(), sep="\n", end="\n\n")


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text; save it as UTF-8") from error
