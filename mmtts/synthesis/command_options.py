"""What the command line of `mmtts.synthesize` understands."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from mmtts import InputError

EXAMPLES = """examples:
  mmtts "Hello, world." --prompt "A calm woman with a low voice." -o hello.wav
  mmtts "Hello, world." --face me.jpg --seed 3 --save-voice me.safetensors -o hello.wav
  mmtts "Hello there." --prompt "A man speaks quietly." --loudness 0 -o leveled.wav
  mmtts "Hello again." --voice me.safetensors --voice other.safetensors --mix 0.7,0.3 -o mixed.wav
  mmtts - --speech clip.flac -o book.flac < book.txt
  mmtts --text-file lines.txt --voice me.safetensors -o lines/
  mmtts "I met [Nguyen](/wɪn/). [pause:0.5s] Really." --voice anna -o hello.wav
  mmtts - --ssml --lexicon names.tsv --voice anna -o a.wav --subtitles a.srt < a.xml
  mmtts "Dr. Smith paid $12.50." --phonemes
  mmtts --check-mark hello.wav
"""


class _Source(argparse.Action):
    """Collects the sources of the voice in the order in which they are given."""

    def __call__(self, parser: Any, options: Any, value: Any, option: Any = None) -> None:
        sources = list(getattr(options, "sources", None) or [])
        options.sources = [*sources, (self.dest, value)]


def make_parser() -> argparse.ArgumentParser:
    """Describe the command's options."""
    parser = argparse.ArgumentParser(
        prog="mmtts",
        description="Speak text in the voice of a clip, a face or a description.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "text",
        nargs="?",
        help="what to say, with [word](/phonemes/) and [pause:0.5s] where you like; '-' reads it "
        "from standard input",
    )
    _add_voice(parser.add_argument_group("voice: one or more of these"))
    _add_speech(parser.add_argument_group("speech"))
    _add_system(parser.add_argument_group("system"))
    return parser


def _add_voice(voice: argparse._ArgumentGroup) -> None:
    """Where the voice comes from."""
    for name, metavar, help_ in (
        ("face", "PICTURE", "a voice that fits the face in a picture"),
        ("prompt", "TEXT", "a voice that fits a description"),
        ("speech", "CLIP", "the voice of a clip"),
        ("voice", "NAME", "a ready voice, or the file of one saved before"),
    ):
        voice.add_argument(f"--{name}", action=_Source, metavar=metavar, help=help_)
    voice.add_argument("--mix", metavar="WEIGHTS", help="shares of several voices, such as 0.7,0.3")
    voice.add_argument(
        "--seed", type=int, help="pick one of the voices that fit; default: their mean"
    )
    voice.add_argument(
        "--guidance",
        type=float,
        default=1.0,
        help="how strictly a picked voice follows a face or a prompt; default 1",
    )
    voice.add_argument(
        "--move", action="append", default=[], metavar="NAME=AMOUNT", help="such as pitch=0.5"
    )
    voice.add_argument(
        "--loudness",
        type=float,
        metavar="DB",
        help="dB above the standard level, instead of the voice's own; 0 undoes a prompt's",
    )
    voice.add_argument(
        "--largest-face", action="store_true", help="take the largest of several faces"
    )
    voice.add_argument("--save-voice", metavar="FILE", help="keep the voice as .safetensors")


def _add_speech(speech: argparse._ArgumentGroup) -> None:
    """How it speaks, what, and where to."""
    speech.add_argument("--steps", type=int, default=4, help="decoder steps; default 4")
    speech.add_argument("--pace", type=float, default=1.0, help="1.2 speaks faster; default 1")
    speech.add_argument(
        "--semitones", type=float, default=0.0, help="2 speaks that much higher; default 0"
    )
    speech.add_argument(
        "--style-guidance", type=float, default=1.0, help="of the decoder; default 1"
    )
    speech.add_argument("--accent", help="one that the model knows; default: its first")
    speech.add_argument(
        "--text-file", metavar="FILE", help="one text per line, one output for each"
    )
    speech.add_argument(
        "--ssml",
        action="store_true",
        help="the text is SSML: speak, p, s, break, phoneme, sub, prosody, say-as",
    )
    speech.add_argument(
        "--lexicon",
        metavar="FILE",
        help="how words are said: a word, a tab and its phonemes per line, or W3C PLS (.pls)",
    )
    speech.add_argument(
        "--subtitles", metavar="FILE", help="write .srt or .vtt: what is said, and when"
    )
    speech.add_argument("--batch-size", type=int, default=8, help="with --text-file; default 8")
    speech.add_argument(
        "--phonemes",
        action="store_true",
        help="print the words and phonemes that would be spoken, and stop; needs no voice",
    )
    speech.add_argument("-o", "--output", metavar="PATH", help=".wav or .flac file, or a folder")


def _add_system(system: argparse._ArgumentGroup) -> None:
    """Which model, on which machine."""
    system.add_argument(
        "--model", help="system folder or hub id; default: $MMTTS_MODEL, or the package's"
    )
    system.add_argument("--device", default="auto", help="auto, cpu, cuda; default auto")
    system.add_argument("--threads", type=int, help="CPU threads")
    system.add_argument("--quiet", action="store_true", help="print errors only")
    system.add_argument("--debug", action="store_true", help="show the traceback of an error")
    system.add_argument("--list-voices", action="store_true", help="name the ready voices")
    system.add_argument("--check-mark", metavar="FILE", help="tell whether a file holds our mark")


def check_request(options: argparse.Namespace) -> None:
    """Find what is missing or contradictory before anything slow happens.

    Raises:
        InputError: The request cannot be carried out.
    """
    sources = getattr(options, "sources", [])
    if options.text is not None and options.text_file:
        raise InputError("a text and --text-file are both given; leave one out")
    if options.phonemes:
        if options.text is None and not options.text_file:
            raise InputError("--phonemes needs a text; put it in quotes, or use '-' or --text-file")
        return
    if not sources:
        raise InputError("no voice is given; add --face, --prompt, --speech or --voice")
    if options.mix and len(sources) < 2:
        raise InputError("--mix needs two or more voices; leave it out, or give another voice")
    if options.text is None and not options.text_file:
        if not options.save_voice:
            raise InputError("no text is given; put it in quotes, or use '-' or --text-file")
    elif not options.output:
        raise InputError("no output is given; add -o hello.wav, or -o folder/ with --text-file")
    elif not options.text_file:
        from mmtts.synthesis.speech_file import require_speech_suffix

        require_speech_suffix(options.output)
    if options.subtitles:
        from mmtts.synthesis.subtitles import require_subtitle_suffix

        if options.text is None:
            raise InputError("--subtitles needs one text, and none of --text-file; give a text")
        require_subtitle_suffix(options.subtitles)
    if not options.quiet and {kind for kind, _ in sources} & {"face", "speech"}:
        print(
            "note: use the face or the voice of a real person only with that person's consent; "
            "the output carries an inaudible mark",
            file=sys.stderr,
        )
