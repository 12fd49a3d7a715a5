"""Prepare public corpora in shards, on one machine or on a cluster, and merge the shards."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpora import FACES, PHOTOS, SILENT, SPEECH, VIDEO, find_corpus, read_clips

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data import extraction
from mmtts.data.face_tracks import Tracking
from mmtts.data.footage_shards import prepare_footage
from mmtts.data.launching import LAUNCHERS, Launcher, make_launcher
from mmtts.data.merging import CLIPS_IN_PART, merge_shards, prepared_corpora
from mmtts.data.portrait_shards import prepare_photos, prepare_silent_footage
from mmtts.data.shard_folders import FOLDER, Shard, deal_items, parse_shard
from mmtts.data.shards import Manner, prepare_shard
from mmtts.data.streaming.shar_index import index_shar

MANIFESTS = Path("speech") / "manifests"
EPILOG = f"""corpora of speech: {", ".join(sorted(SPEECH))}
corpora of videos, which become portraits and speech: {", ".join(sorted(VIDEO))}
corpora of faces, which become portraits alone: {", ".join(sorted(FACES))}

examples
  python recipes/public/prepare.py ljspeech LJSpeech-1.1 --out data/public --shards 8 --processes 4
  python recipes/public/prepare.py voxceleb2 VoxCeleb2 --out data/public --shards 64 --processes 4
  python recipes/public/prepare.py --out data/public --merge --processes 4

Every corpus is prepared into the same folder, which --merge then completes. Whoever is stopped goes
on by the same command. On clusters that exist:
  ... --shards 64 --launcher dask --address tcp://scheduler:8786
  ... --shards 64 --launcher slurm --partition cpu --minutes 720
  ... --shard $SLURM_ARRAY_TASK_ID/64        in an array job of one's own, --array=1-64
"""


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("corpus", nargs="?", help="which one, see below; not with --merge")
    add("root", nargs="?", type=Path, help="where it was unpacked")
    add("--out", type=Path, default=Path("data/public"), help="prepared folder; data/public")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--shard", metavar="I/K", help="prepare this one of K shards, here and now")
    what.add_argument("--shards", type=int, metavar="K", help="launch all K shards")
    what.add_argument("--merge", action="store_true", help="complete the folder")
    add("--launcher", choices=LAUNCHERS, default="local", help="what runs the jobs; local")
    add("--processes", type=int, default=1, metavar="N", help="jobs at the same time; 1")
    add("--address", default="", help="of a Dask scheduler; default: workers on this machine")
    add("--partition", default="", help="of Slurm")
    add("--minutes", type=int, default=24 * 60, help="that Slurm gives a job; 1440")
    add("--gigabytes", type=int, default=8, help="of memory that Slurm gives a job; 8")
    add("--language", default="en", metavar="CODE", help="of the texts, such as de; en")
    add("--denoise", action="store_true", help="suppress noise (extra: denoise)")
    add("--retry", action="store_true", help="try again what could not be used")
    add("--files", action="store_true", help="merge into single files, for small corpora")
    add("--frames-per-second", type=float, default=5.0, help="of videos, searched for faces; 5")
    add(
        "--stills",
        type=int,
        default=5,
        help="portraits of each 15 s of a video, at most, or of each clip of celebv_text; 5",
    )
    add("--sample-rate", type=int, default=16_000, help="of videos' sound in Hz; 16000")
    add("--clips-in-part", type=int, default=CLIPS_IN_PART, help=f"of Shar; {CLIPS_IN_PART}")
    return parser.parse_args(words)


@one_sentence
def main() -> None:
    """Run the command."""
    options = parse(sys.argv[1:])
    check(options)
    if options.merge:
        merge(options)
        return
    find_corpus(options.corpus)
    shard = parse_shard(options.shard) if options.shard else None
    count = shard.total if shard else options.shards
    folders = deal(options, count, shard)
    prepare, words = preparation(options)
    if shard:
        prepare(folders[str(shard)], *words, show=True)
        return
    launcher(options)(prepare, {name: (path, *words) for name, path in folders.items()})
    print(f"{options.corpus}: all of {count} shards are prepared; next: --merge")


def deal(options: argparse.Namespace, count: int, only: Shard | None) -> dict[str, Path]:
    """Write down which clips, videos or pictures of the corpus belong to which shard."""
    place = options.out / FOLDER / options.corpus
    if options.corpus in VIDEO | SILENT:
        footage = find_corpus(options.corpus).read_footage(options.root)
        return deal_items(footage, place, count, only, extraction.FOOTAGE)
    if options.corpus in PHOTOS:
        photos = find_corpus(options.corpus).read_photos(options.root)
        return deal_items(photos, place, count, only, extraction.PHOTOS)
    clips = read_clips(options.corpus, options.root, options.out / MANIFESTS)
    return deal_items(clips, place, count, only)


def preparation(options: argparse.Namespace) -> tuple[Callable[..., None], tuple[Any, ...]]:
    """What prepares a shard, and its arguments after the shard's folder."""
    manner = Manner(options.language, options.denoise, options.retry)
    tracking = Tracking(rate=options.frames_per_second, stills=options.stills)
    if options.corpus in SPEECH:
        return prepare_shard, (manner,)
    if options.corpus in PHOTOS:
        return prepare_photos, (options.out, options.retry)
    if options.corpus in SILENT:
        return prepare_silent_footage, (options.out, tracking, options.retry)
    return prepare_footage, (options.out, manner, tracking, options.sample_rate)


def check(options: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is read.

    Raises:
        InputError: Words that do not go together, or numbers that make no sense.
    """
    if options.merge and options.corpus:
        raise InputError("--merge takes all corpora that were prepared: leave out their names")
    if not options.merge and not options.root:
        raise InputError("name a corpus and the folder where it was unpacked")
    counts = (options.processes, options.minutes, options.gigabytes, options.clips_in_part)
    if options.frames_per_second <= 0 or options.stills < 1 or options.sample_rate < 8000:
        raise InputError("videos need pictures, stills, and sound of 8000 Hz at least")
    if min(counts) < 1 or (options.shards is not None and options.shards < 1):
        raise InputError("--shards, --processes and all other numbers are 1 at least")


def launcher(options: argparse.Namespace) -> Launcher:
    """What runs the jobs."""
    return make_launcher(
        options.launcher,
        processes=options.processes,
        address=options.address,
        logs=options.out / FOLDER / "logs",
        partition=options.partition,
        minutes=options.minutes,
        gigabytes=options.gigabytes,
    )


def merge(options: argparse.Namespace) -> None:
    """Merge all shards and say what is there."""
    names = prepared_corpora(options.out)
    report = merge_shards(
        options.out,
        {name: find_corpus(name).LICENSE for name in names},
        shar=not options.files,
        clips_in_part=options.clips_in_part,
        launch=launcher(options),
        jobs=options.processes,
    )
    if not options.files:
        index_shar(options.out)
    tell(report, options.out)


def tell(report: dict[str, Any], out: Path) -> None:
    """Say what is there."""
    for name, splits in report["speech"].items():
        for split, counts in splits.items():
            people, hours = counts["people"], counts["seconds"] / 3600
            print(f"{name} {split}: {counts['clips']} clips, {people} people, {hours:.1f} h")
    for name, splits in report.get("faces", {}).items():
        for split, counts in splits.items():
            print(f"{name} {split}: {counts['faces']} faces, {counts['people']} people")
    for name, count in report["skipped_clips"].items():
        print(f"{name}: {count} items cannot be used, see {out / 'report.json'}")


if __name__ == "__main__":
    main()
