"""Merging shards: what all of them prepared becomes a prepared folder.

The rows are read twice. The first time, compact arrays are filled, from which splits, thresholds
and counts follow; the second time, manifests are written, in parts that do not need one another.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.corpora.records import License
from mmtts.data.face_merging import merge_faces
from mmtts.data.licenses import write_licenses
from mmtts.data.preparation import count_clips
from mmtts.data.prepared import write_json, write_table
from mmtts.data.shar_parts import Part, shar_files, write_files, write_shar
from mmtts.data.shard_census import Census, take_census
from mmtts.data.shard_folders import FOLDER, ROWS, SKIPPED, Shard, find_shards
from mmtts.data.splits import SPLITS, split_speakers
from mmtts.data.thresholds import learn_thresholds

CLIPS_IN_PART = 1000
NAMED = 10_000  # skipped clips in the report
_SHOWN = 10
# Runs a function once for every tuple of arguments; see `mmtts.data.launching`.
Launch = Callable[[Callable[..., None], Mapping[str, tuple[Any, ...]]], None]


def run_here(function: Callable[..., None], jobs: Mapping[str, tuple[Any, ...]]) -> None:
    """Run all jobs in this process, one after the other."""
    for arguments in jobs.values():
        function(*arguments)


def merge_shards(
    out: Path,
    licenses: Mapping[str, License],
    *,
    shar: bool = True,
    clips_in_part: int = CLIPS_IN_PART,
    launch: Launch = run_here,
    jobs: int = 1,
) -> dict[str, Any]:
    """Make a prepared folder of all shards of all corpora in `speech/shards/`, faces included.

    The outcome does not depend on how many shards there are.

    Args:
        out: The prepared folder.
        licenses: Name of a folder in `speech/shards/` -> terms of that corpus.
        shar: Write `speech/shar/{split}/`; otherwise `speech/cuts_{split}.jsonl.gz` and a FLAC file
            for every clip, for small corpora.
        clips_in_part: Clips in a tar of Shar.
        launch: Runs the jobs that write.
        jobs: Into how many jobs the writing is divided.

    Returns:
        The report.

    Raises:
        InputError: There is no shard, one is not finished, or a corpus has no licence.
    """
    corpora = prepared_corpora(out)
    require_finished(corpora, licenses)
    folders = [folder for shards in corpora.values() for folder in shards.values()]
    census = take_census([folder / ROWS for folder in folders])
    if not len(census):
        raise InputError(f"no clip in {out / FOLDER} can be used: see {SKIPPED} of its shards")
    split = split_speakers(census)
    of_clip = splits_of(census, split)
    bins = learn_thresholds(census.take(of_clip == SPLITS.index("train")))
    parts = divide(census, of_clip, clips_in_part if shar else len(census))
    if shar:
        sweep(out, parts)
    batches = {f"{k + 1}/{jobs}": parts[k::jobs] for k in range(jobs) if parts[k::jobs]}
    arguments = {name: (out, batch, census.files, bins) for name, batch in batches.items()}
    launch(write_shar if shar else write_files, arguments)
    write_json(out / "statistics.json", {"thresholds": bins})
    write_speakers(out, census, split)
    write_licenses({name: licenses[name] for name in corpora}, out)
    counts = count_clips(census, lambda row: split[row["speaker"]])
    report = {"speech": counts, **merge_faces(out, folders, split), **report_skipped(folders)}
    write_json(out / "report.json", report)
    return report


def prepared_corpora(out: Path) -> dict[str, dict[Shard, Path]]:
    """The corpora that were dealt: name -> folders of its shards.

    Raises:
        InputError: There is none.
    """
    found = {path.name: find_shards(path) for path in sorted((out / FOLDER).glob("*"))}
    found = {name: shards for name, shards in found.items() if shards}
    if not found:
        raise InputError(f"{out} holds no shard of any corpus: prepare one first")
    return found


def require_finished(
    corpora: Mapping[str, Mapping[Shard, Path]], licenses: Mapping[str, License]
) -> None:
    """Refuse shards that are missing or not finished, and corpora without a licence.

    Raises:
        InputError: Which names them.
    """
    if unknown := sorted(corpora.keys() - licenses.keys()):
        raise InputError(f"nothing is known of {', '.join(unknown)}, so its licence is not either")
    missing = []
    for name, shards in corpora.items():
        (total,) = {shard.total for shard in shards}
        every = [Shard(number, total) for number in range(1, total + 1)]
        absent = [shard for shard in every if not _is_finished(shards.get(shard))]
        missing += [f"{name} {shard}" for shard in absent]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise InputError(f"not prepared yet: {', '.join(missing[:_SHOWN])}{more}; prepare them")


def _is_finished(folder: Path | None) -> bool:
    return folder is not None and (folder / ROWS).exists()


def splits_of(census: Census, split: Mapping[str, str]) -> np.ndarray:
    """The split of each clip, int (N,), as an index of `SPLITS`; `split` is that of speakers."""
    of_speaker = np.array([SPLITS.index(split[name]) for name in census.speakers])
    return of_speaker[census.columns["speaker"]]


def divide(census: Census, of_clip: np.ndarray, size: int) -> list[Part]:
    """Divide the clips of each split into parts, one at least.

    Args:
        census: N clips.
        of_clip: int (N,), index of the split of each.
        size: Clips in a part.
    """
    parts = []
    for index, split in enumerate(SPLITS):
        chosen = census.take(of_clip == index)
        for number, start in enumerate(range(0, max(1, len(chosen)), size)):
            where, offsets = (
                chosen.columns[name][start : start + size] for name in ("file", "offset")
            )
            parts.append(Part(split, number, where, offsets))
    return parts


def sweep(out: Path, parts: Sequence[Part]) -> None:
    """Remove from the folders of Shar what is of no part: it would be read as one."""
    known = {path for part in parts for path in shar_files(out, part.split, part.number)}
    for path in (out / "speech" / "shar").glob("*/*"):
        if path not in known:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_speakers(out: Path, census: Census, split: Mapping[str, str]) -> None:
    """Write `speech/speakers.csv`: who is in which split, and how many clips there are."""
    clips = np.bincount(census.columns["speaker"], minlength=len(census.speakers))
    rows = sorted(zip(census.speakers, clips.tolist(), strict=True))
    table = ((name, split[name], count) for name, count in rows)
    write_table(out / "speech" / "speakers.csv", ("speaker", "split", "clips"), table)


def report_skipped(folders: Sequence[Path]) -> dict[str, Any]:
    """What could not be used: how many clips of each corpus, and the reasons of the first."""
    counts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for folder in folders:
        with (folder / SKIPPED).open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                counts[folder.parent.name] += 1
                reasons[row["id"]] = row["skipped"]
        if len(reasons) > NAMED:
            reasons = dict(sorted(reasons.items())[:NAMED])
    named = dict(sorted(reasons.items())[:NAMED])
    return {"skipped_clips": dict(counts), "skipped": named}
