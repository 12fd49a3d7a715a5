"""How quickly a corpus too large for memory is read, and in how much memory.

    python scripts/stream_bench.py --hours 10000
    python scripts/stream_bench.py --hours 20 --batches 200 --workers 2
    python scripts/stream_bench.py --hours 20 --analyzed-by worker --profile

Makes a synthetic corpus in a temporary folder: an index for so many hours that names a few shards
again and again, with clips of tones and noise whose lengths and sizes in FLAC are those of read
speech. Prints seconds to start and to the first batch, padding, the speed of one loader worker by
itself, its memory, what a resume costs, and whether plans for 1, 2 and 8 ranks come out the same
twice. In brackets stands what was computed meanwhile, in seconds of this processor: where other
programs share it, that is the figure that says something.
"""

from __future__ import annotations

import argparse
import cProfile
import hashlib
import json
import multiprocessing
import pstats
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmtts.audio.files import save_audio
from mmtts.command.one_sentence import one_sentence
from mmtts.data.cuts import load_samples
from mmtts.data.phoneme_cache import fingerprint
from mmtts.data.prepared import make_cut, write_cuts
from mmtts.data.streaming.data import StreamedSpeechData
from mmtts.data.streaming.export import export_shar
from mmtts.data.streaming.plan import Place, interleaved, own_shards
from mmtts.data.streaming.shar_index import INDEX, read_shards, shar_folder
from mmtts.data.streaming.speech_stream import SpeechStream
from mmtts.text import ENGLISH, encode

TEXT = "The quick brown fox jumps over the lazy dog, and nobody knows why it does so."
SPEAKERS = 40  # of a shard


@one_sentence
def main() -> None:
    options = read_options()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(options.data or name)
        if not options.data:
            make_corpus(folder, options)
        report(folder, options)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=100.0, help="that the index names")
    parser.add_argument("--data", help="a folder or URL in place of a synthetic one")
    parser.add_argument("--files", type=int, default=6, help="shards that are really written")
    parser.add_argument("--shard-size", type=int, default=1000, help="clips in a shard")
    parser.add_argument("--rate", type=int, default=16000, help="sample rate of the clips in Hz")
    parser.add_argument("--batches", type=int, default=60, help="that are loaded and timed")
    parser.add_argument("--skip", type=int, default=1000, help="batches that a resume skips")
    parser.add_argument("--batch-seconds", type=float, default=120.0)
    parser.add_argument("--buffer-size", type=int, default=2000, help="clips in the buckets")
    parser.add_argument("--analyzed-by", choices=("device", "worker"), default="device")
    parser.add_argument("--workers", type=int, default=0, help="also time a loader with so many")
    parser.add_argument("--profile", action="store_true", help="print what takes the time")
    return parser.parse_args()


def make_corpus(folder: Path, options: argparse.Namespace) -> None:
    """Write a few shards, and an index that repeats them."""
    rng = np.random.default_rng(0)
    samples = {round(s, 1): _sound(s, options.rate, rng) for s in np.arange(1.0, 15.05, 0.1)}
    for seconds, wave in samples.items():
        save_audio(folder / "audio" / f"{seconds:g}.flac", wave, options.rate)
    count = options.files * options.shard_size
    # Read speech: a few words up to long sentences, six or seven seconds in the middle.
    lengths = np.clip(np.round(rng.gamma(3.2, 2.1, count), 1), 1.0, 15.0)
    rows = [_row(index, float(s), options) for index, s in enumerate(lengths)]
    for split, some in (("train", rows), ("valid", rows[:100])):
        write_cuts(folder / "speech" / f"cuts_{split}.jsonl.gz", (make_cut(r, {}) for r in some))
    export_shar(folder, options.shard_size)
    path = Path(shar_folder(folder)) / "train" / INDEX
    written = json.loads(path.read_text())["shards"]
    times = max(1, round(options.hours * 3600 / sum(shard["seconds"] for shard in written)))
    path.write_text(json.dumps({"shards": written * times}))


def _sound(seconds: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise as loud as FLAC needs for 18 kB/s at 16 kHz, under a tone with pauses."""
    time_ = np.arange(round(seconds * rate)) / rate
    voice = np.sin(2 * np.pi * 120 * time_) * (np.sin(2 * np.pi * 0.7 * time_) > -0.5)
    return (0.2 * voice + 0.012 * rng.standard_normal(len(time_))).astype(np.float32)


def _row(index: int, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    words = TEXT.split()[: max(1, round(seconds * 2))]
    step = seconds / len(words)
    return {
        "id": f"bench-{index:06d}", "corpus": "bench", "audio": f"audio/{seconds:g}.flac",
        "sample_rate": options.rate, "num_samples": round(seconds * options.rate),
        "text": " ".join(words), "speaker": f"bench-{index * SPEAKERS // options.shard_size}",
        "gender": "", "age": None, "emotion": "", "measured": {},
        "words": [[w, round(n * step, 3), round((n + 1) * step, 3)] for n, w in enumerate(words)],
    }  # fmt: skip


def make_data(folder: Path, options: argparse.Namespace, workers: int = 0) -> StreamedSpeechData:
    data = StreamedSpeechData(
        folder,
        batch_seconds=options.batch_seconds,
        buffer_size=options.buffer_size,
        num_buckets=50,  # as experiment=stage1_streamed
        analyzed_by=options.analyzed_by,
        num_workers=workers,
        valid_clips=100,
        seed=1,
    )
    data.setup("fit")
    return data


def report(folder: Path, options: argparse.Namespace) -> None:
    """Measure and print."""
    watch = Watch()
    data = make_data(folder, options)
    taken = str(watch)
    known = data.report["train"]
    rows = {"hours in the index": f"{known['seconds'] / 3600:.0f}"}
    rows["shards, clips"] = f"{known['shards']}, {known['clips']}"
    rows["seconds to start"] = taken
    # A process of its own, so that its memory is that of a worker that reads alone.
    rows |= _in_process(_worker, data.datasets["train"], options)
    if options.workers:
        rows[f"audio s/s of {options.workers} workers"] = f"{_loader_speed(folder, options):.0f}"
    for ranks in (1, 2, 8):
        one, two = (_in_process(_plan_hash, folder, options, ranks) for _ in range(2))
        rows[f"plan of {ranks} ranks"] = "the same twice" if one == two else "NOT THE SAME"
    for name, value in rows.items():
        print(f"{name:<32}{value}")


class Watch:
    """Seconds since it was made, by the clock and of this process's computing."""

    def __init__(self) -> None:
        self.clock, self.computing = time.perf_counter(), time.process_time()

    def passed(self) -> tuple[float, float]:
        """Return both."""
        return time.perf_counter() - self.clock, time.process_time() - self.computing

    def __str__(self) -> str:
        return "{:.1f} ({:.1f})".format(*self.passed())


def _in_process(function: Any, *arguments: Any) -> Any:
    """Return what a function gives in a forked process."""
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=lambda: results.put(function(*arguments)))
    process.start()
    found = results.get()
    process.join()
    return found


def _worker(stream: SpeechStream, options: argparse.Namespace) -> dict[str, str]:
    """What one loader worker does by itself."""
    watch = Watch()
    batches: Iterator[Any] = iter(stream)
    next(batches)
    first = str(watch)
    seconds, valid, padded = 0.0, 0, 0
    profiler, watch = cProfile.Profile(), Watch()
    if options.profile:
        profiler.enable()
    for batch in islice(batches, options.batches):
        seconds += float(batch.mel_lens.sum()) / stream.mel.frames_per_second
        valid += int(batch.mel_lens.sum())
        padded += len(batch.ids) * int(batch.mel_lens.max())
    profiler.disable()
    clock, computing = watch.passed()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if options.profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    watch = Watch()
    stream.begin(0, options.skip)
    next(iter(stream))
    seconds_to_go_on, watch = str(watch), Watch()
    reader, shard = stream.reader, stream.shards[0]
    clips = [item.shard.take(item) for item in reader.open(shard)[:200]]
    for clip in clips:
        load_samples(clip, stream.mel.sample_rate)
    decoding = sum(clip.seconds for clip in clips) / watch.passed()[1]
    return {
        "seconds to the first batch": first,
        "audio s/s of a worker": f"{seconds / clock:.0f} ({seconds / computing:.0f})",
        "analyzed by the": options.analyzed_by,
        "padding of the mels": f"{100 * (1 - valid / padded):.1f} %",
        "peak memory of a worker": f"{peak:.2f} GiB",
        f"seconds to go on at {options.skip}": seconds_to_go_on,
        "audio s/s of reading FLAC alone": f"({decoding:.0f})",
    }


def _loader_speed(folder: Path, options: argparse.Namespace) -> float:
    """Seconds of audio in a second through a loader."""
    data = make_data(folder, options, options.workers)
    batches, seconds = iter(data.train_dataloader()), 0.0
    next(batches)
    started = time.perf_counter()
    for batch in islice(batches, options.batches):
        seconds += float(batch.mel_lens.sum()) / data.analysis.frames_per_second
    return seconds / (time.perf_counter() - started)


def _plan_hash(folder: Path, options: argparse.Namespace, ranks: int) -> str:
    """Fingerprint of the shards of all ranks, and of the first clips that they read."""
    shards = read_shards(folder, "train")
    reader = StreamedSpeechData(folder).reader("train")
    digest = hashlib.sha256(fingerprint(ENGLISH).encode())
    for rank in range(ranks):
        place = Place(1, 0, rank, ranks, 0, 1)
        own = own_shards(shards, place, 0)
        digest.update(repr(own).encode())
        clips = interleaved(own, reader.open, 4, place.draws(0))
        digest.update(repr([item.clip.id for item in islice(clips, 500)]).encode())
    return digest.hexdigest()


if __name__ == "__main__":
    encode("warm", ENGLISH)
    main()
