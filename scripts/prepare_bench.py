"""What preparing large corpora costs: processor seconds, speed, and memory.

    python scripts/prepare_bench.py
    python scripts/prepare_bench.py merge --rows 200000
    python scripts/prepare_bench.py clips --clips recordings/ --json clips.json

Everything is made up in a temporary folder: corpora in the layouts that their authors publish,
sentences spoken by the starter's voices, rows of prepared clips, a video, captions. Parts:

    read      readers of published layouts, the first time, and again where what they saw is kept
    clips     clips with word alignment and phonemes, and the same without their texts
    merge     finished shards into Shar: the first of two passes alone, all of it, and its index
    video     portraits and sound out of a video
    captions  a table of captions: read, and written as pairs of their own clips
    launch    what a shard costs beside its clips: a process that begins from nothing

Each line is of a fresh process that did the same to a few items before, so that imports are in its
memory and not in its seconds. Memory is that of this process, in MiB, before the work and at most.
Needs the extras `prepare` and `cluster`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import prepare_work as work
from prepare_layouts import LAYOUTS
from prepare_material import PORTRAIT, make_captions, make_shards, make_video, speak

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.corpora import recordings
from mmtts.data.corpora.records import Clip
from mmtts.data.shard_folders import FOLDER

PACKAGES = ("pocketsphinx", "pyworld", "av", "pyarrow")
CORPUS = "bench"
FEW = 12  # items of a rehearsal
REHEARSED_SECONDS = 2.0  # of video
Figures = Iterator[work.Figure]


@one_sentence
def main() -> None:
    options = parse()
    if absent := [name for name in PACKAGES if find_spec(name) is None]:
        raise InputError(f"{', '.join(absent)} is missing: pip install 'mmtts[prepare,cluster]'")
    os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TQDM_DISABLE": "1"}  # below
    figures = []
    print("| " + " | ".join(work.COLUMNS) + " |\n|" + " --- |" * len(work.COLUMNS))
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for part in [options.part] if options.part else PARTS:
            for figure in PARTS[part](options, Path(name)):
                figures.append(figure)
                print(f"| {' | '.join(figure.cells())} |", flush=True)
    if options.json:
        rows = [figure._asdict() | {"per_second": figure.per_second} for figure in figures]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("part", nargs="?", choices=list(PARTS), help="all of them by default")
    add("--files", type=int, default=4000, help="of every layout that is read; 4000")
    add("--clips", type=Path, help="folder of recordings with texts beside them, not the starter's")
    add("--sentences", type=int, default=60, help="that the starter speaks otherwise; 60")
    add("--rows", type=int, default=50_000, help="of shards that are merged; 50000")
    add("--sound", action="store_true", help="merge whole sounds, not the headers of their files")
    add("--seconds", type=float, default=10.0, help="of video, 15 at most; 10")
    add("--face", type=Path, default=PORTRAIT, help="picture that the video shows")
    add("--captions", type=int, default=50_000, help="rows of their table; 50000")
    add("--shards", type=int, default=8, help="that are launched; 8")
    add("--profile", action="store_true", help="print what takes the time")
    add("--json", type=Path, help="file for the figures")
    add("--folder", type=Path, help="where the temporary folder lies")
    options = parser.parse_args()
    counts = (options.files, options.sentences, options.rows, options.captions, options.shards)
    if min(counts) < 1 or not 1.0 <= options.seconds <= 15.0:
        raise InputError("all counts are 1 at least, and the video lasts 1 to 15 seconds")
    return options


def fresh(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives in a process that has done nothing before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def speech(options: argparse.Namespace, folder: Path) -> list[Clip]:
    """The clips that are prepared; the starter speaks them when they are first asked for."""
    place = options.clips or folder / "spoken"
    if not place.exists() and not options.clips:
        fresh(speak, place, options.sentences)
    clips = [clip for clip in recordings.read_clips(place, CORPUS, "someone")[0] if clip.text]
    if not clips:
        raise InputError(f"{place} holds no recording with a text: put a .txt file beside each")
    return clips


def read(options: argparse.Namespace, folder: Path) -> Figures:
    for name, make in LAYOUTS.items():
        few, every = folder / name / "few", folder / name / "all"
        make(few, FEW)
        make(every, options.files)
        yield from fresh(work.read, options.profile, name, few, every)


def clips(options: argparse.Namespace, folder: Path) -> Figures:
    with_text = speech(options, folder)
    without = [replace(clip, text="") for clip in with_text]
    for what, some in (("with a text", with_text), ("without a text", without)):
        yield fresh(work.prepare_clips, options.profile, what, some, folder / what)


def merge(options: argparse.Namespace, folder: Path) -> Figures:
    like = fresh(work.prepare, speech(options, folder)[:FEW], folder / "like")
    few, every = folder / "few", folder / "merged"
    for out, count in ((few, FEW), (every, options.rows)):
        make_shards(like, out / FOLDER / CORPUS, count, options.shards, options.sound)
    yield fresh(work.count, options.profile, few, every)
    yield from fresh(work.merge, options.profile, few, every)


def video(options: argparse.Namespace, folder: Path) -> Figures:
    few, every = folder / "few.mp4", folder / "all.mp4"
    make_video(few, REHEARSED_SECONDS, options.face)
    make_video(every, options.seconds, options.face)
    for rate in (5.0, 2.0):
        yield fresh(work.extract, options.profile, rate, few, every, folder / f"out-{rate:g}")


def captions(options: argparse.Namespace, folder: Path) -> Figures:
    few, every = folder / "captions-few", folder / "captions"
    make_captions(few, FEW)
    make_captions(every, options.captions)
    yield fresh(work.read_captions, options.profile, few, every)
    yield fresh(work.pair_captions, options.profile, few, every, options.captions)


def launch(options: argparse.Namespace, folder: Path) -> Figures:
    some = speech(options, folder)
    yield fresh(work.launch, options.profile, some, options.shards, folder / "launched")


PARTS = {
    "read": read,
    "clips": clips,
    "merge": merge,
    "video": video,
    "captions": captions,
    "launch": launch,
}

if __name__ == "__main__":
    main()
