"""A page to listen to: one self-contained HTML file with what a system can do.

The command is `python -m mmtts.page --model models/tiny --data data/tiny --runs runs --out
demo/index.html`; the clips also lie as files beside the page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

TEXT = "The little boat came home before the storm."


def make_page(
    model: str | Path, data: Path, runs: Path | None, out: Path, text: str = TEXT, count: int = 3
) -> Path:
    """Make the page.

    Args:
        model: System folder or hub id.
        data: Prepared data folder; faces and clips of people outside of the training are shown.
        runs: Run folders for the curves and pictures, or None.
        out: The HTML file.
        text: What is said.
        count: How many faces, prompts and clips to show.

    Returns:
        The file written.

    Raises:
        InputError: The model or the data cannot be used.
    """
    from mmtts.listening import sections as show
    from mmtts.listening.markup import render_page
    from mmtts.storage.atomic import atomic_write
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.system_folder import find_system

    folder = find_system(model)
    speaking = show.Speaking(Synthesizer.from_pretrained(folder), text, out.parent / "clips")
    people = show.read_people(data)[:count]
    sections = [
        show.face_section(speaking, data, people) if (folder / "face_encoder").is_dir() else None,
        show.prompt_section(speaking, count) if (folder / "prompt_encoder").is_dir() else None,
        show.clip_section(speaking, data, people),
        show.mix_section(speaking, people),
        show.move_section(speaking, people),
        show.training_section(runs, folder.name) if runs else None,
    ]
    rate = speaking.took / max(speaking.seconds, 1e-9)
    facts = [
        (folder.name, "system"),
        (f"{_count_parameters(folder / 'speech_tts') / 1e6:.1f} M", "parameters of stage 1"),
        (f"{speaking.seconds:.0f} s", "of speech on this page"),
        (f"{rate:.3f}", "seconds of work per second of speech"),
    ]
    page = render_page(f"mmtts · {folder.name}", text, facts, [s for s in sections if s])
    with atomic_write(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return out


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
    parser.add_argument("--model", help="system folder; default: $MMTTS_MODEL, models/lab")
    parser.add_argument("--data", type=Path, required=True, help="prepared data folder")
    parser.add_argument("--runs", type=Path, help="run folders, for curves and pictures")
    parser.add_argument("--out", type=Path, default=Path("demo/index.html"))
    parser.add_argument("--text", default=TEXT)
    parser.add_argument("--count", type=int, default=3, help="faces, prompts and clips to show")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(words)
    from mmtts.synthesis.system_folder import default_model

    model = options.model or default_model()
    print(make_page(model, options.data, options.runs, options.out, options.text, options.count))


if __name__ == "__main__":
    main()
