"""Subtitles: what is said and when, as SRT or WebVTT (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mmtts import InputError
from mmtts.synthesis.spoken_words import SpokenWord

SUFFIXES = (".srt", ".vtt")
# What people can read at once: two lines that fit on a screen, for a few seconds.
LONGEST_LINE = 42  # characters
LONGEST_CUE = 6.0  # s
_LONGEST_PAUSE = 0.8  # s, inside of a cue
_ENDS = ".?!…"


def subtitles(words: Iterable[SpokenWord], suffix: str) -> str:
    """Write the words of a sound as subtitles.

    Args:
        words: In their order.
        suffix: ".srt" or ".vtt".

    Returns:
        The text of the file: a cue holds at most two lines of `LONGEST_LINE` characters (more
        only where a single word is longer) and as a rule one sentence at most.
    """
    cues = list(_cues(words))
    if suffix.lower() == ".vtt":
        return "\n".join(["WEBVTT\n", *(_cue(cue, ".") for cue in cues)])
    return "\n".join(f"{number}\n{_cue(cue, ',')}" for number, cue in enumerate(cues, start=1))


def require_subtitle_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse a file name whose format is unknown.

    Raises:
        InputError: The suffix is neither `.srt` nor `.vtt`.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} does not end in .srt or .vtt; choose one of them")


def _cues(words: Iterable[SpokenWord]) -> Iterator[list[SpokenWord]]:
    """Group words: a cue ends with its sentence, in front of a pause, or when it is full."""
    cue: list[SpokenWord] = []
    for word in words:
        if cue and (
            (cue[-1].mark and cue[-1].mark in _ENDS)
            or word.start - cue[-1].end > _LONGEST_PAUSE
            or word.end - cue[0].start > LONGEST_CUE
            or len(_lines([*cue, word])) > 2
        ):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _cue(cue: Sequence[SpokenWord], point: str) -> str:
    """Write the times of a cue and its lines."""
    times = f"{_clock(cue[0].start, point)} --> {_clock(cue[-1].end, point)}"
    said = "\n".join(_lines(cue))
    # In a pronunciation's word anything may stand, and WebVTT reads tags and entities.
    return f"{times}\n{html.escape(said, quote=False) if point == '.' else said}\n"


def _lines(cue: Sequence[SpokenWord]) -> list[str]:
    """Break the words of a cue into lines."""
    lines: list[str] = []
    for word in cue:
        said = f"{word.word}{word.mark}"
        if lines and len(lines[-1]) + 1 + len(said) <= LONGEST_LINE:
            lines[-1] += f" {said}"
        else:
            lines.append(said)
    return lines


def _clock(seconds: float, point: str) -> str:
    """Write a time as 00:01:02.345."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{point}{milliseconds:03d}"
