"""Make a prepared folder of one's own recordings.

The command takes a folder of sound files and their texts:
`python -m mmtts.prepare recordings --out data/me --consent "my own voice"`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from mmtts.data.recordings import Prepared
    from mmtts.text import FrontEnd

NEEDED = ("pocketsphinx", "pyworld")
SHOWN = 20  # lines of the table
EPILOG = """texts: metadata.csv (name|text, as LJSpeech has it), else a .txt file beside each
recording, else what --whisper hears, which out/transcripts.csv keeps to be corrected

examples
  python -m mmtts.prepare recordings --out data/me --consent "my own voice"
  python -m mmtts.prepare recordings --out data/us --by-folder --consent "ours; we both agreed"
"""


def make_parser() -> argparse.ArgumentParser:
    """Describe the command's options."""
    parser = argparse.ArgumentParser(
        prog="mmtts-prepare",
        description="Make a prepared folder, which training reads, of one's own recordings.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("recordings", type=Path, help="folder of sound files, one sentence or two in each")
    add("--out", type=Path, required=True, help="prepared folder to make, or to bring up to date")
    add("--consent", required=True, help="whose voices these are and what they agreed to")
    add("--speaker", default="speaker", help="name of who speaks; default: speaker")
    add("--by-folder", action="store_true", help="every folder in it holds those of one speaker")
    add("--gender", choices=("female", "male"), help="of the speakers, where it is one")
    add("--language", default="en", metavar="CODE", help="of the texts, such as de; default: en")
    add("--accent", default="native", help="as models tell them apart; default: native")
    add("--whisper", metavar="MODEL", help="folder or hub id of a Whisper, for files without text")
    add("--denoise", action="store_true", help="suppress noise (extra: denoise)")
    add("--longest", type=float, default=15.0, metavar="SECONDS", help="of a recording; default 15")
    add("--valid", type=float, default=0.1, metavar="SHARE", help="for validation; default 0.1")
    add("--processes", type=int, default=1, help="at the same time; default 1")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


@one_sentence
def main(words: list[str] | None = None) -> None:
    """Run the command."""
    wait_briefly()
    options = make_parser().parse_args(words)
    check(options)
    from mmtts.data.corpora.recordings import read_clips
    from mmtts.data.preparation import full_id, prepare_audio
    from mmtts.data.recordings import choose_clips, describe_terms, finish_folder

    folder, out = options.recordings, options.out
    corpus = re.sub(r"[^\w-]+", "_", out.absolute().name)
    who = None if options.by_folder else re.sub(r"[^\w-]+", "_", options.speaker)
    clips, skipped = read_clips(folder, corpus, who, options.gender, options.accent)
    files = {full_id(clip): str(clip.path.relative_to(folder)) for clip in clips}
    transcribe = recognizer(options.whisper)
    spoken = find_front_end(options.language)
    usable, faults = choose_clips(clips, folder, out, options.longest, transcribe, spoken)
    noisy = {corpus} if options.denoise else set()
    lexicon: dict[str, str] | None = {} if spoken.language == "en" else None
    rows, failed = prepare_audio(usable, out, lexicon, options.processes, noisy)
    rows = [{**row, "language": spoken.name} for row in rows]
    for name, fault in failed.items():
        faults[files[name]] = fault.removeprefix(str(folder / files[name])).strip()
    terms = describe_terms(folder, options.consent)
    show(finish_folder(rows, files, out, skipped | faults, options.valid, terms), out, spoken)


def check(options: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        InputError: A package is missing, a number makes no sense, or a place is not free.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(f"{missing[0]} is needed; pip install 'mmtts[prepare]'")
    if not options.consent.strip():
        raise InputError("--consent must say whose voices these are and what they agreed to")
    if not 0 < options.valid < 1 or options.longest <= 0 or options.processes < 1:
        raise InputError("--valid is a share between 0 and 1; --longest, --processes are positive")
    out, recordings = options.out.resolve(), options.recordings.resolve()
    if out.is_relative_to(recordings) or recordings.is_relative_to(out):
        raise InputError(f"{options.out} and {options.recordings} lie in one another; choose --out")
    if out.exists() and not (out / "speech").is_dir() and (out.is_file() or any(out.iterdir())):
        raise InputError(f"will not write into {options.out}: it is no prepared folder")


def recognizer(source: str | None) -> Callable[[Any], str] | None:
    """What writes down recordings without a text; None where nobody named a Whisper."""
    if source is None:
        return None
    from mmtts.metrics.whisper import load_whisper

    return load_whisper(source).transcribe


def find_front_end(language: str) -> FrontEnd:
    """Take this package's English, or another language from eSpeak NG."""
    from mmtts.text import ENGLISH

    if language == ENGLISH.language:
        return ENGLISH
    from mmtts.text.espeak import Espeak

    return Espeak(language)


def show(done: Prepared, out: Path, spoken: FrontEnd) -> None:
    """Say what became of the recordings."""
    for split, counts in sorted(done.counts.items()):
        people = f"{counts['people']} speaker{'s' if counts['people'] > 1 else ''}"
        print(f"{split}: {counts['clips']} clips, {people}, {counts['seconds'] / 60:.1f} min")
    if done.unsure:
        names = ", ".join(done.unsure[:SHOWN])
        print(f"words not found in {len(done.unsure)} clips, so check their texts: {names}")
    if done.skipped:
        print(f"left out: {len(done.skipped)}")
        width = max(len(file) for file in done.skipped)
        for file, fault in list(done.skipped.items())[:SHOWN]:
            print(f"  {file:{min(width, 40)}}  {fault}")
        if len(done.skipped) > SHOWN:
            print(f"  ... all of them in {out / 'report.json'}")
    text = "" if spoken.language == "en" else f" text=espeak text.language={spoken.language}"
    print(
        f"next: python -m mmtts.train experiment=stage1_fine_tune init=MODEL data.folder={out} "
        f"name={out.name}{text}"
    )


if __name__ == "__main__":
    main()
