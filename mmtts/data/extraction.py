"""Extraction of a shard: what became of each of its videos or pictures, kept as it is done.

Beside what `mmtts.data.shard_folders` lists, the folder of such a shard holds

- `footage.jsonl` or `photos.jsonl`: the videos or pictures that belong to it, as the corpus has
  them;
- `extracted.jsonl`: what became of each, only ever appended to: a killed process loses one;
- `portraits.jsonl`: the portraits of the shard, there when it is finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mmtts import InputError
from mmtts.data.faces import FaceCropper
from mmtts.data.preparation import full_id
from mmtts.data.shard_folders import PORTRAITS, ROWS, AnyItem, rewriting
from mmtts.data.shard_journal import lock
from mmtts.data.shards import fault_of

FOOTAGE, PHOTOS = "footage.jsonl", "photos.jsonl"
EXTRACTED = "extracted.jsonl"
Row = dict[str, Any]


def extract_all(
    folder: Path,
    items: Sequence[AnyItem],
    source_of: Callable[[AnyItem], str],
    extract: Callable[[AnyItem, FaceCropper], Row],
    *,
    retry: bool = False,
    show: bool = False,
) -> list[Row]:
    """Extract the items that were not extracted yet.

    Args:
        folder: Of the shard.
        items: Of the shard, see `mmtts.data.shard_folders.read_items`.
        source_of: Names what an item is extracted from; see `mmtts.data.shards.source_of`.
        extract: Writes what is in an item and returns a row that says so, JSON-able; raises
            `InputError` where it cannot be used.
        retry: Try those again that could not be used.
        show: A progress bar.

    Returns:
        A row for each item, in their order: `id`, `source`, and what `extract` returned, or
        `skipped`, the reason.

    Raises:
        InputError: Another process is at this shard.
    """
    from tqdm import tqdm

    named = {full_id(item): item for item in items}
    sources = {name: source_of(item) for name, item in named.items()}
    with (folder / EXTRACTED).open("a+b") as journal:
        lock(journal, folder)
        found = _read(journal)
        waiting = [name for name in named if _is_waiting(found.get(name), sources[name], retry)]
        if waiting:
            (folder / ROWS).unlink(missing_ok=True)
            cropper = FaceCropper()
            for name in tqdm(waiting, desc=folder.name, disable=not show):
                row = _attempt(named[name], extract, cropper)
                found[name] = {"id": name, "source": sources[name], **row}
                journal.write(json.dumps(found[name]).encode() + b"\n")
                journal.flush()
    return [found[name] for name in named]


def write_portraits(folder: Path, rows: Sequence[Row]) -> None:
    """Write `portraits.jsonl` of the rows that `extract_all` returned."""
    with rewriting(folder / PORTRAITS, spoils=ROWS) as file:
        for row in rows:
            file.writelines(json.dumps(portrait) + "\n" for portrait in row.get("portraits", ()))


def reasons_of(rows: Sequence[Row]) -> Mapping[str, str]:
    """Why items could not be used: id -> reason."""
    return {row["id"]: row["skipped"] for row in rows if "skipped" in row}


def _attempt(
    item: AnyItem, extract: Callable[[AnyItem, FaceCropper], Row], cropper: FaceCropper
) -> Row:
    try:
        return extract(item, cropper)
    except InputError as error:
        return {"skipped": str(error)}
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # a file from elsewhere may break any of the decoders
        return {"skipped": fault_of(item.path, error)}


def _is_waiting(row: Row | None, source: str, retry: bool) -> bool:
    return row is None or row["source"] != source or (retry and "skipped" in row)


def _read(journal: IO[bytes]) -> dict[str, Row]:
    """Read what became of the items so far; the last line with an id counts.

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
