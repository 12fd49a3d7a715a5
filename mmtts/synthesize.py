"""Speak text from the command line.

python -m mmtts.synthesize "Hello, world." --prompt "A calm woman." -o hello.wav
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly
from mmtts.synthesis.command_options import check_request, make_parser
from mmtts.synthesis.command_texts import (
    find_front_end,
    print_phonemes,
    read_lines,
    read_script,
    read_text,
)

if TYPE_CHECKING:
    from mmtts.synthesis.spoken_words import SpokenWord
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.voice import Voice
    from mmtts.text.script import Script


@one_sentence
def main(words: list[str] | None = None) -> int | None:
    """Run the command; see `make_parser`."""
    wait_briefly()
    parser = make_parser()
    if not (sys.argv[1:] if words is None else words):
        parser.print_help()
        return 2
    options = parser.parse_args(words)
    # Warnings, such as of dropped characters, are for the user too.
    level = logging.ERROR if options.quiet else logging.WARNING
    logging.basicConfig(level=level, format="warning: %(message)s")
    if options.check_mark:
        return check_mark(options.check_mark)
    if not options.list_voices:
        check_request(options)
    text = read_text(options.text)
    options.front_end = find_front_end(options)
    if options.lexicon:
        from mmtts.text import read_lexicon

        options.lexicon = read_lexicon(options.lexicon, options.front_end)
    if options.phonemes:
        print_phonemes(text, options)
        return None
    script = None if text is None else read_script(text, options)
    from mmtts.synthesis.synthesizer import Synthesizer

    synthesizer = Synthesizer.from_pretrained(options.model, options.device, options.threads)
    if options.list_voices:
        print("\n".join(synthesizer.voices))
        return None
    voice = make_voice(synthesizer, options)
    if options.save_voice:
        voice.save(options.save_voice)
    if options.text_file:
        speak_lines(synthesizer, voice, options)
    elif script is not None:
        speak_script(synthesizer, voice, script, options)
    return None


def make_voice(synthesizer: Synthesizer, options: argparse.Namespace) -> Voice:
    """Make the voice that the options ask for.

    Raises:
        InputError: A source cannot be used, or the weights do not fit.
    """
    from mmtts.synthesis.voice import Voice

    voices = [
        load_voice(synthesizer, value)
        if kind == "voice"
        else synthesizer.voice(
            **{kind: value},
            seed=options.seed,
            guidance=options.guidance,
            largest_face=options.largest_face,
        )
        for kind, value in options.sources
    ]
    voice = voices[0] if len(voices) == 1 else Voice.mix(voices, _numbers(options.mix))
    for move in options.move:
        name, equals, amount = move.partition("=")
        if not equals:
            raise InputError(f"--move {move} is not of the form NAME=AMOUNT, such as pitch=0.5")
        voice = synthesizer.move(voice, name.strip(), _number(amount, "--move"))
    if options.loudness is not None:
        voice = dataclasses.replace(voice, loudness=options.loudness)
    return voice


def load_voice(synthesizer: Synthesizer, named: str) -> Voice:
    """Load a voice from a file, or a ready one by its name.

    Raises:
        InputError: There is neither.
    """
    from mmtts.synthesis.ready_voices import is_voice_file
    from mmtts.synthesis.voice import Voice

    return Voice.load(named) if is_voice_file(named) else synthesizer.voice(named)


def speak_script(
    synthesizer: Synthesizer, voice: Voice, script: Script, options: argparse.Namespace
) -> None:
    """Write one file, sentence by sentence, so that a book needs no more memory than a line."""
    from mmtts.storage.atomic import atomic_write
    from mmtts.synthesis.speech_file import SpeechWriter
    from mmtts.synthesis.spoken_words import shift_words
    from mmtts.synthesis.subtitles import subtitles
    from mmtts.text.lines import compose

    started, seconds = time.perf_counter(), 0.0
    words: list[SpokenWord] = []
    parts = synthesizer.stream(script, voice, whole_sentences=True, **_manner(options))
    total = len(compose(script, options.lexicon, options.front_end))
    with ExitStack() as stack:
        titles = options.subtitles and stack.enter_context(atomic_write(options.subtitles))
        writer = stack.enter_context(SpeechWriter(options.output, synthesizer.sample_rate))
        for part in _progress(parts, total, options.quiet):
            writer.write(part.samples)
            words += shift_words(part.words, seconds) if titles else ()
            seconds += part.seconds
        if titles:
            titles.write_text(subtitles(words, titles.suffix), encoding="utf-8")
    _tell(options, options.output, seconds, started)


def speak_lines(synthesizer: Synthesizer, voice: Voice, options: argparse.Namespace) -> None:
    """Write one numbered file for each line.

    Raises:
        InputError: The file cannot be read, or holds a line that cannot be spoken.
    """
    folder = Path(options.output)
    numbered = read_lines(options)
    started, seconds = time.perf_counter(), 0.0
    texts = [script for _, script in numbered]
    spoken = synthesizer.batch(texts, voice, options.batch_size, **_manner(options))
    for (number, _), speech in zip(
        numbered, _progress(spoken, len(texts), options.quiet), strict=True
    ):
        speech.save(folder / f"{number:04d}.wav")
        seconds += speech.seconds
    _tell(options, f"{len(texts)} files in {folder}", seconds, started)


def check_mark(path: str) -> int:
    """Say whether a file holds the mark; the exit status is 0 when it does, else 1."""
    from mmtts.audio.files import read_audio
    from mmtts.synthesis.provenance import detect_mark

    audio = read_audio(path)
    found = detect_mark(audio.samples, audio.sample_rate)
    said = "marked as mmtts synthetic speech" if found.marked else "no mark found"
    chance = f"chance of this without a mark {found.false_alarm:.1g}"
    print(f"{path}: {said} (score {found.score:.1f}, {chance})")
    return 0 if found.marked else 1


def _manner(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "steps": options.steps,
        "guidance": options.style_guidance,
        "pace": options.pace,
        "seed": options.seed or 0,
        "accent": options.accent,
        "semitones": options.semitones,
        "lexicon": options.lexicon,
    }


def _progress(parts: Iterator[Any], total: int, quiet: bool) -> Iterator[Any]:
    """Pass items through and draw a bar when someone watches."""
    show = total > 1 and not quiet and sys.stderr.isatty()
    for done, part in enumerate(parts, start=1):
        yield part
        if show:
            bar = "#" * (30 * done // total)
            print(f"\r[{bar:.<30}] {done}/{total}", end="", file=sys.stderr, flush=True)
    if show:
        print(file=sys.stderr)


def _tell(options: argparse.Namespace, what: str, seconds: float, started: float) -> None:
    if not options.quiet:
        took = time.perf_counter() - started
        print(f"{what}: {seconds:.1f} s of speech in {took:.1f} s", file=sys.stderr)


def _numbers(text: str | None) -> list[float] | None:
    return None if text is None else [_number(part, "--mix") for part in text.split(",")]


def _number(text: str, option: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(f"{option} has {text!r} where a number is needed") from error


if __name__ == "__main__":
    main()
