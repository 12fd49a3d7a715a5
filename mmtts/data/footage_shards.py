"""Preparing one shard of a corpus of videos: portraits and sound first, then the sound as clips.

Beside what `mmtts.data.shard_folders` lists, its folder holds

- `footage.jsonl`: the videos that belong to the shard, as the corpus has them;
- `extracted.jsonl`: what became of each, only ever appended to: a killed process loses one video;
- `portraits.jsonl`: the portraits of the shard, there when it is finished.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from mmtts import InputError
from mmtts.data.corpora.records import Footage
from mmtts.data.face_tracks import Tracking
from mmtts.data.faces import FaceCropper
from mmtts.data.footage import extract, read_row
from mmtts.data.preparation import full_id
from mmtts.data.shard_folders import PORTRAITS, ROWS, read_items, rewriting, write_items
from mmtts.data.shard_journal import lock
from mmtts.data.shards import Manner, fault_of, prepare_shard, source_of

FOOTAGE, EXTRACTED = "footage.jsonl", "extracted.jsonl"
Row = dict[str, Any]


def prepare_footage(
    folder: Path,
    out: Path,
    manner: Manner,
    tracking: Tracking,
    sample_rate: int = 16_000,
    show: bool = False,
) -> None:
    """Extract the footage of a shard that is not extracted yet, then prepare its clips.

    Sound and portraits are written below `out`, in `sound/` and `faces/`; see
    `mmtts.data.footage.extract`. The clips are then those of `mmtts.data.shards.prepare_shard`,
    which marks the shard as finished.

    Args:
        folder: From `mmtts.data.shard_folders.deal_items`, which wrote `footage.jsonl`.
        out: The prepared folder.
        manner: How clips are prepared; noise is suppressed in them, not before.
        tracking: How faces are followed.
        sample_rate: Of the sound that is extracted, in Hz.
        show: Progress bars.

    Raises:
        InputError: The shard was not dealt, or another process is at it.
    """
    rows = _extract_all(folder, out, manner, tracking, sample_rate, show)
    clips = [clip for row in rows if "clips" in row for clip in read_row(row, out)[0]]
    write_items(clips, folder)
    with rewriting(folder / PORTRAITS, spoils=ROWS) as file:
        for row in rows:
            file.writelines(json.dumps(portrait) + "\n" for portrait in row.get("portraits", ()))
    unusable = {row["id"]: row["skipped"] for row in rows if "skipped" in row}
    prepare_shard(folder, manner, show, unusable)


def _extract_all(
    folder: Path, out: Path, manner: Manner, tracking: Tracking, sample_rate: int, show: bool
) -> list[Row]:
    """Extract the footage that waits; return what became of all, by the order of hashes."""
    from tqdm import tqdm

    footage = {full_id(item): item for item in read_items(folder, Footage, FOOTAGE)}
    facts = (asdict(tracking), sample_rate)
    sources = {
        name: source_of(item.path, item.text, item.words, item.span, facts)
        for name, item in footage.items()
    }
    with (folder / EXTRACTED).open("a+b") as journal:
        lock(journal, folder)
        found = _read_extracted(journal)
        waiting = [n for n in footage if _is_waiting(found.get(n), sources[n], manner)]
        if waiting:
            (folder / ROWS).unlink(missing_ok=True)
            cropper = FaceCropper()
            for name in tqdm(waiting, desc=folder.name, unit="video", disable=not show):
                row = _extract(footage[name], out, cropper, tracking, sample_rate)
                found[name] = {"id": name, "source": sources[name], **row}
                journal.write(json.dumps(found[name]).encode() + b"\n")
                journal.flush()
    return [found[name] for name in footage]


def _extract(
    item: Footage, out: Path, cropper: FaceCropper, tracking: Tracking, sample_rate: int
) -> Row:
    try:
        return extract(item, out, cropper, tracking, sample_rate=sample_rate)
    except InputError as error:
        return {"skipped": str(error)}
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # a video may break any of the decoders
        return {"skipped": fault_of(item.path, error)}


def _is_waiting(row: Row | None, source: str, manner: Manner) -> bool:
    return row is None or row["source"] != source or (manner.retry and "skipped" in row)


def _read_extracted(journal: IO[bytes]) -> dict[str, Row]:
    """Read what became of the footage so far; the last line with an id counts.

    A line that a killed process left half-written is cut off.
    """
    found: dict[str, Row] = {}
    whole = 0
    journal.seek(0)
    for line in journal:
        if not line.endswith(b"\n"):
            journal.truncate(whole)
            break
        whole += len(line)
        with suppress(ValueError, KeyError, TypeError):  # a machine that went down left no text
            row = json.loads(line)
            found[row["id"]] = row
    return found
