"""The command `mmtts`: a text is spoken, and the name of a command runs it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

from mmtts.command.one_sentence import one_sentence

COMMANDS: Mapping[str, Mapping[str, str]] = {
    "speak": {
        "synthesize": "a text in a voice from a clip, a face or a description (as mmtts TEXT)",
        "serve": "speech over HTTP, for programs that know OpenAI's interface",
        "page": "a page to listen to",
    },
    "train": {
        "prepare": "one's own recordings, into a folder to train on",
        "train": "one stage, from a config",
    },
    "measure": {
        "evaluate": "systems, by questions and judges",
        "benchmark": "time and memory, beside other programs",
    },
    "ship": {
        "bundle": "the models of one system, side by side",
        "compress": "a smaller model of the same kind",
        "export": "a system as ONNX graphs, for machines without torch",
    },
}


@one_sentence
def main(words: list[str] | None = None) -> int | None:
    """Run the command that the first word names, or speak that word."""
    words = sys.argv[1:] if words is None else words
    if words and any(words[0] in group for group in COMMANDS.values()):
        sys.argv = [f"mmtts {words[0]}", *words[1:]]
        result: int | None = importlib.import_module(f"mmtts.{words[0]}").main()
        return result
    from mmtts import synthesize

    if not words or {"-h", "--help"} & set(words):
        print(help_text())
    return synthesize.main(words)


def help_text() -> str:
    """The commands, grouped by task."""
    lines = ["usage: mmtts COMMAND ...   or   mmtts TEXT ..., to speak; mmtts COMMAND --help"]
    for task, commands in COMMANDS.items():
        lines += ["", f"{task}:", *(f"  {name:<12}{what}" for name, what in commands.items())]
    return "\n".join([*lines, "", "Without a command (or synthesize, for a text that is one):", ""])


if __name__ == "__main__":
    main()
