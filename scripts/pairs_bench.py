"""How long tables of a million pairs take to read, what they hold, and how fast batches come.

    python scripts/pairs_bench.py --pairs 1000000 --people 100000
    python scripts/pairs_bench.py --pairs 100000 --people 10000 --ending .csv --clips sampled

Makes a prepared folder of made-up tables (no picture, no sound) with random numbers in place of
what frozen networks say. Seconds are of the processor; memory is that of this process alone: what
is mapped from the disk is the system's, which takes it back where it runs short.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmtts.command.one_sentence import one_sentence
from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.frozen import Table
from mmtts.data.pairs import FaceSpeechData
from mmtts.data.prepared import write_table
from mmtts.data.prompt_pairs import PromptData

FACES_PER_PERSON = 5
SENTENCES = 20_000  # distinct prompts
MIB = 2**20


@one_sentence
def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        cuts, faces = make_tables(folder, options)
        # The networks' answers, in half precision on the disk, as large tables are.
        style = random_table(folder, "style", cuts, options.style)
        features = random_table(folder, "features", faces, options.views, options.features)
        face_style = random_table(folder, "face-style", faces, options.style)
        held = resident()
        print(
            f"{options.pairs} pairs, {options.people} people, {len(faces)} faces, "
            f"{len(cuts)} clips; {held / MIB:.0f} MiB before any table is read"
        )
        pairs = FaceSpeechData(str(folder), options.batch, clips=options.clips)
        measure(pairs, lambda: pairs.attach(style, features, None, options.views), options)
        prompts = PromptData(str(folder), options.batch, 2 * options.pairs)
        styles = {"speech": style, "face": face_style}
        measure(prompts, lambda: prompts.attach(styles, None), options)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000_000, help="in each training table")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--ending", choices=(".parquet", ".csv"), default=".parquet")
    parser.add_argument("--clips", choices=("all", "sampled"), default="all")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--style", type=int, default=16, help="D of styles")
    parser.add_argument("--features", type=int, default=16, help="F of face features")
    parser.add_argument("--views", type=int, default=2)
    parser.add_argument("--batches", type=int, default=500, help="that are timed")
    parser.add_argument("--folder", type=Path, help="where the temporary folder lies")
    return parser.parse_args()


def measure(data: Any, attach: Callable[[], None], options: argparse.Namespace) -> None:
    """Print one line of a stage: reading, attaching, a plan of an epoch, batches, memory."""
    before = resident()
    with watched() as peak:
        read = seconds(lambda: data.setup("fit"))
        attached = seconds(attach)
        loader = data.train_dataloader()
        plan = seconds(lambda: sum(1 for _ in loader.sampler))
        count = min(options.batches, len(loader))
        batches = count / seconds(lambda: [None for _ in islice(iter(loader), count)])
    print(
        f"{type(data).__name__}: read {read:.1f} s, attach {attached:.1f} s, plan of "
        f"{len(loader)} batches {plan:.2f} s, {batches:.0f} batches/s, peak "
        f"{(peak[0] - before) / MIB:.0f} MiB, held {(resident() - before) / MIB:.0f} MiB"
    )


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def resident() -> int:
    """Bytes of memory that are this process's own, without what is mapped from files."""
    pages = Path("/proc/self/statm").read_text().split()
    return (int(pages[1]) - int(pages[2])) * 4096


@contextmanager
def watched() -> Iterator[list[int]]:
    """Give the highest `resident` so far, looked at every 20 ms."""
    peak, ended = [resident()], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def make_tables(folder: Path, options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Write all tables; return the cut ids and the faces in them.

    The last hundredth of the people validates. A pair is one of a person's faces with one of their
    clips, of which there are as many as make so many pairs.
    """
    rng = np.random.default_rng(0)
    clips = max(1, round(options.pairs / options.people / FACES_PER_PERSON))
    people = [f"person-{k:07d}" for k in range(options.people)]
    first = max(1, options.people - max(1, options.people // 100))
    tables = {"train": people[:first], "valid": people[first:]}
    faces = {p: [f"faces/{p}/{k}.jpg" for k in range(FACES_PER_PERSON)] for p in people}
    cuts = {p: [f"corpus-{p}-{k}" for k in range(clips)] for p in people}
    columns = ("face", "person", "split", "gender", "age", "expression")
    rows = (
        (face, p, split, ("female", "male")[number_of(p) % 2], 20 + number_of(p) % 60, "")
        for split, members in tables.items()
        for p in members
        for face in faces[p]
    )
    write_table(folder / f"faces{options.ending}", columns, rows)
    sentences = [f"Prompt {k} is about a voice." for k in range(SENTENCES)]
    for split, members in tables.items():
        pairs = ((f, c, p) for p in members for f in faces[p] for c in cuts[p])
        name = f"face_speech_{split}{options.ending}"
        write_table(folder / "pairs" / name, ("face", "cut", "person"), pairs)
        loud = [cut for p in members for cut in cuts[p]]
        write_loudness(folder / "speech" / f"cuts_{split}.jsonl.gz", loud)
        count = options.pairs if split == "train" else max(1, options.pairs // 100)
        for kind, key, own in (("speech", "cut", cuts), ("face", "face", faces)):
            items = [item for p in members for item in own[p]]
            chosen = rng.integers(len(items), size=count).tolist()
            said = rng.integers(SENTENCES, size=count).tolist()
            header = ["prompt", key, *ATTRIBUTES, *(f"item_{name}" for name in ATTRIBUTES)]
            prompts = (
                (sentences[s], items[k], *attributes(s), *attributes(k))
                for s, k in zip(said, chosen, strict=True)
            )
            path = folder / "pairs" / f"prompt_{kind}_{split}{options.ending}"
            write_table(path, [*header, "qualities", "item_qualities"], prompts_with(prompts))
    all_cuts = [cut for p in people for cut in cuts[p]]
    return all_cuts, [face for p in people for face in faces[p]]


def number_of(person: str) -> int:
    return int(person[-7:]) * 2654435761 % 2**32 >> 8


def attributes(number: int) -> list[str]:
    """Some value, or none, of each attribute."""
    codes = [(number * 31 + k * 17) % (len(v) + 1) for k, v in enumerate(ATTRIBUTES.values())]
    return [
        v[code] if code < len(v) else "" for v, code in zip(ATTRIBUTES.values(), codes, strict=True)
    ]


def prompts_with(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    return ((*row, "full" if k % 7 == 0 else "", "full;-soft") for k, row in enumerate(rows))


def write_loudness(path: Path, cuts: list[str]) -> None:
    """Write a manifest that tells the loudness of clips, and nothing else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=1) as file:
        for k, cut in enumerate(cuts):
            custom = {"attributes": {"loudness": k % 21 - 10}}
            file.write(json.dumps({"id": cut, "supervisions": [{"custom": custom}]}) + "\n")


def random_table(folder: Path, name: str, ids: list[str], *shape: int) -> Table:
    """A table (n, ...) in half precision that lies on the disk."""
    rng, path = np.random.default_rng(1), folder / f"{name}.npy"
    np.save(path, rng.standard_normal((len(ids), *shape), np.float32).astype(np.float16))
    return Table(name, ids, np.load(path, mmap_mode="r"))


if __name__ == "__main__":
    main()
