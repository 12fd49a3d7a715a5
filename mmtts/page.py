"""A page to listen to: one self-contained HTML file with what a system can do.

python -m mmtts.page --model models/tiny --data data/tiny --runs runs --out demo/index.html
python -m mmtts.page --face me.jpg --speech clip.wav --out demo/index.html

The clips also lie as files beside the page.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from mmtts.listening.people import Person
    from mmtts.listening.sections import Speaking
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.voice import Voice

TEXT = "The little boat came home before the storm."


def make_page(
    model: str | Path,
    people: Sequence[Person],
    runs: Path | None,
    out: Path,
    text: str = TEXT,
    count: int = 3,
) -> Path:
    """Make the page.

    Args:
        model: System folder or hub id.
        people: Whose faces and clips are shown.
        runs: Run folders for the curves and pictures, or None.
        out: The HTML file.
        text: What is said.
        count: How many prompts and ready voices to show.

    Returns:
        The file written.

    Raises:
        InputError: The model, a face or a clip cannot be used.
    """
    from mmtts.listening import sections as show
    from mmtts.listening.markup import render_page
    from mmtts.storage.atomic import atomic_write
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.system_folder import find_system

    folder = find_system(model)
    tts = Synthesizer.from_pretrained(folder)
    speaking = show.Speaking(tts, text, out.parent / "clips")
    voices = first_voices(tts, people)
    sections = [
        show.ready_section(speaking, count),
        show.face_section(speaking, people) if "face" in tts.sources else None,
        show.prompt_section(speaking, count) if "prompt" in tts.sources else None,
        show.clip_section(speaking, people),
        show.mix_section(speaking, voices),
        show.move_section(speaking, voices),
        show.training_section(runs, folder.name) if runs else None,
    ]
    facts = _facts(folder, speaking)
    page = render_page(f"mmtts · {folder.name}", text, facts, [s for s in sections if s])
    with atomic_write(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out


def _facts(folder: Path, speaking: Speaking) -> list[tuple[str, str]]:
    rate = speaking.took / max(speaking.seconds, 1e-9)
    return [
        (folder.name, "system"),
        (f"{_count_parameters(folder / 'speech_tts') / 1e6:.1f} M", "parameters of stage 1"),
        (f"{speaking.seconds:.0f} s", "of speech on this page"),
        (f"{rate:.3f}", "seconds of work per second of speech"),
    ]


def first_voices(tts: Synthesizer, people: Sequence[Person]) -> list[Voice]:
    """Voices to mix: of clips, where there are two, else of a face and a clip."""
    spoken = [tts.voice(speech=person.speech) for person in people if person.speech]
    if len(spoken) < 2 and "face" in tts.sources:
        faces = [person.face for person in people if person.face]
        spoken = [*(tts.voice(face=face) for face in faces[:1]), *spoken]
    return spoken[:2]


def _count_parameters(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / "acoustic_model.safetensors", framework="numpy") as stream:
        shapes = [stream.get_slice(key).get_shape() for key in stream.keys()]  # noqa: SIM118
    return sum(int(np.prod(shape)) for shape in shapes)


@one_sentence
def main(words: list[str] | None = None) -> None:
    """Run the command."""
    wait_briefly()
    parser = argparse.ArgumentParser(prog="mmtts-page", description="Make a page to listen to.")
    parser.add_argument("--model", help="system folder; default: $MMTTS_MODEL, the package's own")
    parser.add_argument("--data", type=Path, help="prepared data folder: faces and clips of people")
    parser.add_argument("--face", type=Path, action="append", default=[], help="or a picture")
    parser.add_argument("--speech", type=Path, action="append", default=[], help="or a clip")
    parser.add_argument("--runs", type=Path, help="run folders, for curves and pictures")
    parser.add_argument("--out", type=Path, default=Path("demo/index.html"))
    parser.add_argument("--text", default=TEXT)
    parser.add_argument(
        "--count", type=int, default=3, help="people, prompts and ready voices to show"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(words)
    from mmtts.listening.people import people_of_files, read_people
    from mmtts.synthesis.system_folder import default_model

    model = options.model or default_model()
    people = people_of_files(options.face, options.speech)
    if options.data:
        people += read_people(options.data, options.count)
    print(make_page(model, people, options.runs, options.out, options.text, options.count))


if __name__ == "__main__":
    main()
