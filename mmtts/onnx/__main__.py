"""Speak text without torch.

python -m mmtts.onnx "Hello, world." --model models/lab_onnx --voice anna -o hello.wav
"""

from __future__ import annotations

import argparse
import logging

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence


def make_parser() -> argparse.ArgumentParser:
    """Describe the command's options."""
    parser = argparse.ArgumentParser(
        prog="python -m mmtts.onnx",
        description="Speak text with an exported model, without torch.",
        allow_abbrev=False,
    )
    parser.add_argument("text", nargs="?", help="what to say")
    parser.add_argument("--model", required=True, help="folder that mmtts.export wrote")
    parser.add_argument("--voice", metavar="NAME", help="a ready voice, or the file of a saved one")
    parser.add_argument("--list-voices", action="store_true", help="name the ready voices")
    parser.add_argument("--steps", type=int, default=4, help="decoder steps; default 4")
    parser.add_argument("--pace", type=float, default=1.0, help="1.2 speaks faster; default 1")
    parser.add_argument("--seed", type=int, default=0, help="of the noise; default 0")
    parser.add_argument("--loudness", type=float, metavar="DB", help="dB above the standard level")
    parser.add_argument("--accent", help="one that the model knows; default: its first")
    parser.add_argument("--threads", type=int, help="CPU threads; default: as many as cores")
    parser.add_argument("-o", "--output", metavar="FILE", help=".wav or .flac file to write")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


@one_sentence
def main(words: list[str] | None = None) -> None:
    """Run the command; see `make_parser`."""
    options = make_parser().parse_args(words)
    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s")
    if not options.list_voices:
        check_request(options)
    from mmtts.onnx.synthesizer import OnnxSynthesizer
    from mmtts.synthesis.ready_voices import is_voice_file
    from mmtts.synthesis.speech_file import SpeechWriter

    synthesizer = OnnxSynthesizer.from_folder(options.model, options.threads)
    if options.list_voices:
        print("\n".join(synthesizer.voices))
        return
    load = synthesizer.load_voice if is_voice_file(options.voice) else synthesizer.voice
    names = ("steps", "pace", "seed", "loudness", "accent")
    manner = {name: getattr(options, name) for name in names}
    parts = synthesizer.stream(options.text, load(options.voice), **manner)
    with SpeechWriter(options.output, synthesizer.sample_rate) as writer:
        for part in parts:
            writer.write(part.samples)


def check_request(options: argparse.Namespace) -> None:
    """Find what is missing before anything slow happens.

    Raises:
        InputError: The request cannot be carried out.
    """
    from mmtts.synthesis.speech_file import require_speech_suffix

    for name, hint in (
        ("text", "put it in quotes"),
        ("voice", "add --voice NAME"),
        ("output", "add -o hello.wav"),
    ):
        if not getattr(options, name):
            raise InputError(f"no {name} is given; {hint}")
    require_speech_suffix(options.output)


if __name__ == "__main__":
    main()
