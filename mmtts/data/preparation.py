"""Preparing many clips: in several processes, with a journal, so that a later run goes on."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.audio.word_alignment import WordAligner
from mmtts.data.corpora.records import Clip, Footage, Photo
from mmtts.data.prepared import prepare_clip

Row = dict[str, Any]
Job = tuple[Clip, Path, bool]

_aligner: WordAligner | None = None


def prepare_audio(
    clips: Sequence[Clip],
    out: Path,
    lexicon: Mapping[str, str] | None,
    processes: int,
    noisy: Collection[str] = (),
) -> tuple[list[Row], dict[str, str]]:
    """Prepare all clips that are not done yet.

    Finished clips are remembered in `speech/prepared.jsonl`, so an interrupted run goes on where it
    stopped. A clip is done again when its file, its text or the wish for silence changed.

    Args:
        clips: What to prepare.
        out: The prepared data folder.
        lexicon: Extra words -> CMU phones; None where the clips are not English, so that no words
            are looked for.
        processes: At the same time.
        noisy: Corpora whose noise is suppressed.

    Returns:
        One row per usable clip in the order of `clips`, and clip id -> reason for skipped ones.
    """
    from tqdm import tqdm

    journal = out / "speech" / "prepared.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    by_id = {full_id(clip): clip for clip in clips}
    done = {
        row["id"]: row | labels_of(by_id[row["id"]])
        for row in _read_journal(journal)
        if row["id"] in by_id and _is_done(row, by_id[row["id"]], out, noisy)
    }
    jobs = [(clip, out, clip.corpus in noisy) for clip in clips if full_id(clip) not in done]
    skipped: dict[str, str] = {}
    with _working(jobs, processes, lexicon) as results, journal.open("a") as file:
        for row, reason in tqdm(results, total=len(jobs), desc="speech", unit="clip"):
            if reason:
                skipped[row["id"]] = reason
            else:
                done[row["id"]] = row | labels_of(by_id[row["id"]])
                file.write(json.dumps(row) + "\n")
    ids = (full_id(clip) for clip in clips)
    return [done[name] for name in ids if name in done], dict(sorted(skipped.items()))


def full_id(item: Clip | Footage | Photo) -> str:
    """The id of a clip, of footage, or of a photo among all corpora."""
    return f"{item.corpus}-{item.id}"


def file_hash(path: Path) -> str:
    """Hash of a file's content; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:20]
    except OSError:
        return ""


def count_clips(rows: Iterable[Row], split_of: Callable[[Row], str]) -> dict[str, Any]:
    """Count clips for the report.

    Args:
        rows: From `prepare_audio`.
        split_of: Tells the split of a row.

    Returns:
        Corpus -> split -> {clips, people, seconds, transcribed, aligned}.
    """
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        split = split_of(row)
        place = counts[row["corpus"]][split]
        people[row["corpus"], split].add(row["speaker"])
        place["clips"] += 1
        place["transcribed"] += bool(row["text"])
        place["aligned"] += bool(row["words"])
        place["milliseconds"] += round(1000 * row["num_samples"] / row["sample_rate"])
    return {
        corpus: {
            name: {
                "clips": c["clips"],
                "people": len(people[corpus, name]),
                "seconds": round(c["milliseconds"] / 1000, 1),
                "transcribed": c["transcribed"],
                "aligned": c["aligned"],
            }
            for name, c in by_split.items()
        }
        for corpus, by_split in counts.items()
    }


def _is_done(row: Row, clip: Clip, out: Path, noisy: Collection[str]) -> bool:
    """Whether a clip was prepared as it would be now; the text decides where silence is cut."""
    return (
        row["text"] == clip.text
        and row.get("denoised", False) == (clip.corpus in noisy)
        and (out / row["audio"]).exists()
        and ("source" not in row or row["source"] == file_hash(clip.path))
    )


def labels_of(clip: Clip) -> Row:
    """What a corpus says of a clip, which may have changed since the clip was prepared."""
    return {
        "speaker": clip.speaker,
        "gender": clip.gender,
        "age": clip.age,
        "emotion": clip.emotion,
        "qualities": dict(clip.qualities),
        "accent": clip.accent,
    }


def _read_journal(path: Path) -> Iterator[Row]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # a run was killed in the middle of this line
                continue
            if "sample_rate" in row:  # earlier versions brought every clip to 16 kHz
                yield row


@contextmanager
def _working(
    jobs: Sequence[Job], processes: int, lexicon: Mapping[str, str] | None
) -> Iterator[Iterable[tuple[Row, str]]]:
    """Give the results of the jobs as they come, worked on here or by several processes."""
    if processes > 1 and len(jobs) > 1:
        context = multiprocessing.get_context("spawn")
        with context.Pool(processes, _start_worker, (lexicon,)) as pool:
            yield pool.imap_unordered(_prepare_one, jobs, chunksize=8)
    else:
        if jobs:
            _start_worker(lexicon)
        yield map(_prepare_one, jobs)


def _start_worker(lexicon: Mapping[str, str] | None) -> None:
    global _aligner
    _aligner = None if lexicon is None else WordAligner(lexicon)


def _prepare_one(job: Job) -> tuple[Row, str]:
    clip, out, noisy = job
    try:
        row = prepare_clip(clip, out, _aligner, noisy)
        return {**row, "denoised": noisy, "source": file_hash(clip.path)}, ""
    except InputError as error:
        return {"id": full_id(clip)}, str(error)
