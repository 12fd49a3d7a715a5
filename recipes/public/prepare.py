"""Prepare public corpora in shards, on one machine or on a cluster, and merge the shards."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpora import CORPORA, find_corpus

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.launching import LAUNCHERS, Launcher, make_launcher
from mmtts.data.merging import CLIPS_IN_PART, merge_shards, prepared_corpora
from mmtts.data.shard_folders import FOLDER, deal_items, parse_shard
from mmtts.data.shards import Manner, prepare_shard

EPILOG = f"""corpora: {", ".join(sorted(CORPORA))}

examples
  python recipes/public/prepare.py ljspeech LJSpeech-1.1 --out data/public --shards 8 --processes 4
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
    add("--retry", action="store_true", help="try clips again that could not be used")
    add("--files", action="store_true", help="merge into single files, for small corpora")
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
    corpus = find_corpus(options.corpus)
    manner = Manner(options.language, options.denoise, options.retry)
    shard = parse_shard(options.shard) if options.shard else None
    count = shard.total if shard else options.shards
    place = options.out / FOLDER / options.corpus
    folders = deal_items(corpus.read_clips(options.root), place, count, only=shard)
    if shard:
        prepare_shard(folders[str(shard)], manner, show=True)
        return
    launcher(options)(prepare_shard, {name: (path, manner) for name, path in folders.items()})
    print(f"{options.corpus}: all of {count} shards are prepared; next: --merge")


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
    for name, splits in report["speech"].items():
        for split, counts in splits.items():
            people, hours = counts["people"], counts["seconds"] / 3600
            print(f"{name} {split}: {counts['clips']} clips, {people} people, {hours:.1f} h")
    for name, count in report["skipped_clips"].items():
        print(f"{name}: {count} clips cannot be used, see {options.out / 'report.json'}")


if __name__ == "__main__":
    main()
