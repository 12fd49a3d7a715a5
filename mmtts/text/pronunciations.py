"""Pronunciations that users bring: words and their phonemes, from a table or a W3C lexicon.

TSV: a line for each word, then a tab and its phonemes: "Nguyen<tab>wɪn". PLS: the Pronunciation
Lexicon Specification 1.0, https://www.w3.org/TR/pronunciation-lexicon/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.ipa import parse_ipa
from mmtts.text.safe_xml import Element, parse_xml
from mmtts.text.script import Passage, Pause, Script

MOST_CHARACTERS = 10_000_000
_MOST_WORDS = 6  # of one entry
_TOKEN = re.compile(r"\w+")
_INSIDE_A_WORD = re.compile(r"['’](?!s\b)\w")


class Pronunciations:
    """How words are said.

    An entry in small letters holds for the word in any case, another one only as it is written.

    Args:
        entries: Phonemes (see `mmtts.text.ipa.parse_ipa`) by word, or what to read in its place.
    """

    def __init__(self, entries: Mapping[str, tuple[str, ...] | str] | None = None) -> None:
        self._entries = {" ".join(word.split()): said for word, said in (entries or {}).items()}
        self._most_words = max((len(_TOKEN.findall(word)) for word in self._entries), default=0)

    def __len__(self) -> int:
        return len(self._entries)

    def __or__(self, other: Pronunciations) -> Pronunciations:
        """Join two; where both have a word, the second one's holds."""
        return Pronunciations({**self._entries, **other._entries})

    def mark(self, script: Script) -> Script:
        """Give the words of a script their pronunciations; those given there stay."""
        if not self._entries:
            return script
        pieces: list[Passage | Pause] = []
        for piece in script.pieces:
            if isinstance(piece, Pause) or piece.phonemes:
                pieces.append(piece)
            else:
                pieces += self._mark(piece)
        return Script(tuple(pieces))

    def _mark(self, passage: Passage) -> Iterator[Passage]:
        text = passage.text
        tokens = [match.span() for match in _TOKEN.finditer(text)]
        done = 0
        for index, (start, _) in enumerate(tokens):
            if start < done:
                continue
            ends = [end for _, end in tokens[index : index + self._most_words]]
            for end in reversed(ends):
                said = self._find(text, start, end)
                if said is None:
                    continue
                yield replace(passage, text=text[done:start])
                if isinstance(said, str):
                    yield replace(passage, text=said)
                else:
                    yield replace(passage, text=text[start:end], phonemes=said)
                done = end
                break
        yield replace(passage, text=text[done:])

    def _find(self, text: str, start: int, end: int) -> tuple[str, ...] | str | None:
        """Find what is said for a part of a text; nothing for a part of a word, as in "don't"."""
        if text[max(0, start - 1) : start] in ("'", "’") or _INSIDE_A_WORD.match(text, end):
            return None
        word = " ".join(text[start:end].split())
        return self._entries.get(word, self._entries.get(word.lower()))


LexiconSource: TypeAlias = Pronunciations | Mapping[str, str] | str | os.PathLike[str] | None


def as_pronunciations(lexicon: LexiconSource, front_end: FrontEnd = ENGLISH) -> Pronunciations:
    """Take pronunciations as they are, from a mapping of words to phonemes, or from a file.

    Args:
        lexicon: One of these; None for no pronunciations.
        front_end: Whose sounds they are made of.

    Raises:
        InputError: There is no such file, or it holds something that cannot be understood.
    """
    if lexicon is None or isinstance(lexicon, Pronunciations):
        return lexicon or Pronunciations()
    if isinstance(lexicon, Mapping):
        entries = lexicon.items()
        return Pronunciations({_word(word): parse_ipa(ipa, front_end) for word, ipa in entries})
    return read_lexicon(lexicon, front_end)


def read_lexicon(path: str | os.PathLike[str], front_end: FrontEnd = ENGLISH) -> Pronunciations:
    """Read a lexicon: `.pls` or `.xml` is PLS, everything else a table.

    Args:
        path: The file.
        front_end: Whose sounds the pronunciations are made of.

    Raises:
        InputError: The file is missing or too large, or a line cannot be understood.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"{path} has more than {MOST_CHARACTERS:,} characters; leave words out")
    if path.suffix.lower() not in (".pls", ".xml"):
        return Pronunciations(dict(_rows(text, path, front_end)))
    root = parse_xml(text, str(path), MOST_CHARACTERS)
    return Pronunciations(dict(_lexemes(root, path, front_end)))


def _rows(text: str, path: Path, front_end: FrontEnd) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words of a table; lines that begin with # are remarks."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        word, tab, ipa = line.partition("\t")
        try:
            if not tab:
                raise InputError("a line is a word, a tab and its phonemes")
            yield _word(word), parse_ipa(ipa.strip().strip("/"), front_end)
        except InputError as error:
            raise InputError(f"{path}, line {number}: {error}") from error


def _lexemes(
    root: Element, path: Path, front_end: FrontEnd
) -> Iterator[tuple[str, tuple[str, ...] | str]]:
    """Yield the words of a PLS document; of several pronunciations, the first or preferred."""
    if root.tag != "lexicon":
        raise InputError(f"{path} is no PLS: its root is <{root.tag:.40}>, not <lexicon>")
    alphabet = root.take("version", "alphabet", "xml:lang", "xml:base").get("alphabet", "ipa")
    for lexeme in root.elements():
        if lexeme.tag in ("meta", "metadata"):
            continue
        try:
            yield from _lexeme(lexeme, alphabet, front_end)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _lexeme(
    lexeme: Element, alphabet: str, front_end: FrontEnd
) -> Iterator[tuple[str, tuple[str, ...] | str]]:
    if lexeme.tag != "lexeme":
        raise InputError(f"<{lexeme.tag:.40}> is not understood; leave it out")
    lexeme.take("xml:id")
    words, said = [], list[tuple[bool, Element]]()
    for part in lexeme.elements():
        if part.tag == "grapheme":
            words.append(_word(part.text()))
        elif part.tag in ("phoneme", "alias"):
            given = part.take("prefer", "alphabet")
            written_in = given.get("alphabet", alphabet)
            if part.tag == "phoneme" and written_in != "ipa":
                raise InputError(f"the alphabet of phonemes is ipa, not {written_in!r:.40}")
            said.append((given.get("prefer") == "true", part))
        elif part.tag != "example":
            raise InputError(f"<{part.tag:.40}> is not understood; leave it out")
    if not words or not said:
        raise InputError("a <lexeme> needs a <grapheme>, and a <phoneme> or an <alias>")
    chosen = max(said, key=lambda choice: choice[0])[1]
    written = chosen.text()
    spoken = parse_ipa(written, front_end) if chosen.tag == "phoneme" else written
    yield from ((word, spoken) for word in words)


def _word(written: str) -> str:
    """Return a word that may be an entry.

    Raises:
        InputError: It is none, or too long.
    """
    tokens = _TOKEN.findall(written)
    if not tokens or len(tokens) > _MOST_WORDS or len(written) > 100:
        raise InputError(f"{written.strip()!r:.60} is not one word or a few")
    return written.strip()
