"""What `prepare_bench` times, each in a process of its own: the library on what is made up."""

from __future__ import annotations

import cProfile
import importlib
import inspect
import json
import pstats
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from prepare_material import captioned

from mmtts.data.corpora.records import Clip, Footage, License
from mmtts.data.shard_folders import ROWS, deal_items

TERMS = License("made up", True, "scripts/prepare_bench.py")
SHOWN = 25  # functions of a profile
COLUMNS = ("part", "what", "items", "unit", "s", "per s", "audio s per s", "MiB before", "MiB peak")


class Figure(NamedTuple):
    """What one piece of work took.

    Attributes:
        part: Of the preparation.
        what: Which piece of it.
        items: How many were done.
        unit: What an item is.
        seconds: Of the processor.
        audio: Seconds of sound that the items hold, 0 where they hold none.
        before: Memory before the work, in MiB.
        peak: Memory at most, in MiB.
    """

    part: str
    what: str
    items: float
    unit: str
    seconds: float
    audio: float = 0.0
    before: float = 0.0
    peak: float = 0.0

    @property
    def per_second(self) -> float:
        """Items per second and core."""
        return self.items / self.seconds

    def cells(self) -> list[str]:
        """In the order of `COLUMNS`."""
        audio = f"{self.audio / self.seconds:.0f}" if self.audio else ""
        memory = [f"{self.before:.0f}", f"{self.peak:.0f}"]
        speed = [f"{self.seconds:.2f}", f"{self.per_second:.4g}"]
        return [self.part, self.what, f"{self.items:g}", self.unit, *speed, audio, *memory]


def measure(
    part: str, what: str, unit: str, profile: bool, work: Callable[[], tuple[float, float]]
) -> Figure:
    """Time some work, which returns how many items it did and how long their sound is."""
    profiler = cProfile.Profile()
    before, start = memory("VmRSS"), spent()
    if profile:
        profiler.enable()
    items, audio = work()
    profiler.disable()
    seconds = spent() - start
    if profile:
        print(f"{part}: {what}")
        pstats.Stats(profiler).sort_stats("tottime").print_stats(SHOWN)
    return Figure(part, what, items, unit, seconds, audio, before, memory("VmHWM"))


def spent() -> float:
    """Processor seconds of this process, and of those that it has waited for."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime


def memory(name: str) -> float:
    """MiB: "VmRSS" of now, or "VmHWM", the most of this process alone; 0 where nobody tells."""
    with suppress(OSError):  # getrusage would count what the parent had before this program began
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
    return 0.0


def read(profile: bool, name: str, few: Path, every: Path) -> list[Figure]:
    module = importlib.import_module(f"mmtts.data.corpora.public.{name}")
    reader = getattr(module, "read_clips", None) or module.read_footage
    keeps = "out" in inspect.signature(reader).parameters

    def count(root: Path) -> tuple[float, float]:
        words = {"out": root.with_name(f"{root.name}-kept")} if keeps else {}
        return len(list(reader(root, **words))), 0.0

    times = ("first", "again") if keeps else ("first",)
    for _ in times:
        count(few)
    return [measure("read", f"{name}, {t}", "clip", profile, partial(count, every)) for t in times]


def prepare(clips: list[Clip], place: Path) -> Path:
    """Prepare clips in one shard, and return its folder."""
    from mmtts.data.shards import Manner, prepare_shard

    (folder,) = deal_items(clips, place, 1).values()
    prepare_shard(folder, Manner())
    return folder


def prepare_clips(profile: bool, what: str, clips: list[Clip], place: Path) -> Figure:
    def work() -> tuple[float, float]:
        lines = (prepare(clips, place / "all") / ROWS).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        return len(rows), sum(row["num_samples"] / row["sample_rate"] for row in rows)

    prepare(clips[:2], place / "few")
    return measure("clips", what, "clip", profile, work)


def count(profile: bool, few: Path, every: Path) -> Figure:
    from mmtts.data.shard_census import take_census

    def work(out: Path) -> tuple[float, float]:
        return len(take_census(sorted(out.rglob(ROWS)))), 0.0

    work(few)
    return measure("merge", "first pass", "clip", profile, partial(work, every))


def merge(profile: bool, few: Path, every: Path) -> list[Figure]:
    from mmtts.data.merging import merge_shards, prepared_corpora
    from mmtts.data.splits import SPLITS
    from mmtts.data.streaming.shar_index import index_shar, read_shards

    def merged(out: Path) -> tuple[float, float]:
        licenses = dict.fromkeys(prepared_corpora(out), TERMS)
        speech = merge_shards(out, licenses)["speech"]
        splits = [split for corpus in speech.values() for split in corpus.values()]
        return sum(split["clips"] for split in splits), 0.0

    def indexed(out: Path) -> tuple[float, float]:
        index_shar(out)
        shards = [shard for split in SPLITS for shard in read_shards(out, split)]
        return sum(shard.clips for shard in shards), 0.0

    works = {"both passes": merged, "index of Shar": indexed}
    for do in works.values():
        do(few)
    return [
        measure("merge", what, "clip", profile, partial(do, every)) for what, do in works.items()
    ]


def extract(profile: bool, rate: float, few: Path, every: Path, out: Path) -> Figure:
    import soundfile

    from mmtts.data import footage
    from mmtts.data.face_tracks import Tracking
    from mmtts.data.faces import FaceCropper

    cropper = FaceCropper()

    def work(path: Path) -> tuple[float, float]:
        item = Footage("bench", path.stem, path, "bench-someone")
        row = footage.extract(item, out, cropper, Tracking(rate=rate))
        seconds = sum(soundfile.info(out / clip["audio"]).duration for clip in row["clips"])
        return round(seconds, 2), 0.0

    work(few)
    what = f"{rate:g} pictures a second"
    return measure("video", what, "s of video", profile, partial(work, every))


def read_captions(profile: bool, few: Path, every: Path) -> Figure:
    from mmtts.data.corpora.public import paraspeechcaps

    def work(root: Path) -> tuple[float, float]:
        return sum(1 for _ in paraspeechcaps.read_captions(root)), 0.0

    work(few)
    return measure("captions", "read", "caption", profile, partial(work, every))


def pair_captions(profile: bool, few: Path, every: Path, number: int) -> Figure:
    from mmtts.data.caption_pairs import write_caption_pairs
    from mmtts.data.corpora.public import paraspeechcaps
    from mmtts.data.prompt_pairing import Item
    from mmtts.data.splits import split_people

    people = dict(map(captioned, range(number)))
    split = split_people(dict.fromkeys(people.values(), ""))
    items = {clip: [Item(clip, split[person], {})] for clip, person in people.items()}

    def work(root: Path) -> tuple[float, float]:
        sources = [partial(paraspeechcaps.read_captions, root)]
        counts = write_caption_pairs(root, "speech", sources, lambda name: items.get(name, ()))
        return counts[paraspeechcaps.NAME]["read"], 0.0

    work(few)
    return measure("captions", "read and paired", "caption", profile, partial(work, every))


def launch(profile: bool, clips: list[Clip], shards: int, place: Path) -> Figure:
    from mmtts.data.launching import make_launcher
    from mmtts.data.shards import Manner, prepare_shard

    prepare(clips[:2], place / "few")
    start = spent()
    prepare(clips, place / "one")
    alone = spent() - start

    def work() -> tuple[float, float]:
        folders = deal_items(clips, place / "all", shards)
        jobs = {name: (folder, Manner()) for name, folder in folders.items()}
        make_launcher("local")(prepare_shard, jobs)
        return sum((folder / ROWS).exists() for folder in folders.values()), 0.0

    whole = measure("launch", f"{shards} shards, without their clips", "shard", profile, work)
    return whole._replace(seconds=whole.seconds - alone)
