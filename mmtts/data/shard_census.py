"""Shard census: what splits, thresholds and counts need to know of every clip, in compact arrays.

A clip takes about 70 bytes here, so that millions of clips fit into memory.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.shard_folders import digest_of

# Column -> type code; see the attributes of `Census`.
_COLUMNS = {
    "key": "Q",
    "file": "i",
    "offset": "q",
    "corpus": "i",
    "speaker": "i",
    "gender": "b",
    "age": "h",
    "text": "b",
    "words": "b",
    "num_samples": "q",
    "sample_rate": "i",
    "pitch_hz": "d",
    "pace": "d",
    "energy_db": "d",
}
_MEASURED = ("pitch_hz", "pace", "energy_db")
_AT_ONCE = 65_536  # rows in Python's own numbers
_GENDERS = (None, "female", "male")
Row = dict[str, Any]


@dataclass(frozen=True)
class Census:
    """Clips by the order of the hashes of their ids.

    Attributes:
        files: Of rows, `rows.jsonl` of every shard.
        corpora: Names.
        speakers: Names.
        columns: Arrays (N,): `key`, the first 64 bits of the hash; `file` and `offset` in it, where
            the row is; `corpus`, `speaker` and `gender`, indices; `age` in years, -1 where unknown;
            `text` and `words`, whether there are any; and what else the row has, NaN where unknown.
    """

    files: Sequence[Path]
    corpora: Sequence[str]
    speakers: Sequence[str]
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.columns["key"])

    def __iter__(self) -> Iterator[Row]:
        """Yield rows of what is known; `text` and `words` are true or false."""
        for start in range(0, len(self), _AT_ONCE):
            some = [values[start : start + _AT_ONCE].tolist() for values in self.columns.values()]
            for values in zip(*some, strict=True):
                yield self._row(dict(zip(self.columns, values, strict=True)))

    def take(self, chosen: np.ndarray) -> Census:
        """A census of some clips.

        Args:
            chosen: bool (N,), or indices in the order that they shall have.
        """
        return replace(self, columns={name: of[chosen] for name, of in self.columns.items()})

    def _row(self, values: Row) -> Row:
        measured = {name: values[name] for name in _MEASURED}
        return {
            "corpus": self.corpora[values["corpus"]],
            "speaker": self.speakers[values["speaker"]],
            "gender": _GENDERS[values["gender"]],
            "age": None if values["age"] < 0 else values["age"],
            "text": values["text"],
            "words": values["words"],
            "num_samples": values["num_samples"],
            "sample_rate": values["sample_rate"],
            "measured": {k: None if math.isnan(v) else v for k, v in measured.items()},
        }


def take_census(files: Sequence[Path]) -> Census:
    """Go through the rows of all shards once.

    Args:
        files: `rows.jsonl` of every shard.

    Raises:
        InputError: Two corpora have a clip with the same id.
    """
    columns = {name: array(code) for name, code in _COLUMNS.items()}
    corpora: dict[str, int] = {}
    speakers: dict[str, int] = {}
    for number, path in enumerate(files):
        offset = 0
        with path.open("rb") as lines:
            for line in lines:
                row = json.loads(line)
                known = {
                    "key": int.from_bytes(digest_of(row["id"])[:8]),
                    "file": number,
                    "offset": offset,
                    "corpus": corpora.setdefault(row["corpus"], len(corpora)),
                    "speaker": speakers.setdefault(row["speaker"], len(speakers)),
                    **_facts(row),
                }
                for name, column in columns.items():
                    column.append(known[name])
                offset += len(line)
    arrays = {name: np.frombuffer(of, of.typecode) for name, of in columns.items() if of}
    arrays = arrays or {name: np.array([], code) for name, code in _COLUMNS.items()}
    census = Census(files, list(corpora), list(speakers), arrays)
    census = census.take(np.argsort(census.columns["key"], kind="stable"))
    _require_unique(census)
    return census


def read_rows(files: Sequence[Path], where: np.ndarray, offsets: np.ndarray) -> Iterator[Row]:
    """Yield the rows at some places of the files, each with the `folder` of its shard.

    Args:
        files: As in the census.
        where: int (n,), indices of files.
        offsets: int (n,), in bytes.
    """
    opened = {number: files[number].open("rb") for number in np.unique(where).tolist()}
    try:
        for number, offset in zip(where.tolist(), offsets.tolist(), strict=True):
            opened[number].seek(offset)
            yield json.loads(opened[number].readline()) | {"folder": files[number].parent}
    finally:
        for file in opened.values():
            file.close()


def _facts(row: Row) -> dict[str, Any]:
    measured = row["measured"]
    return {
        "gender": _GENDERS.index(row["gender"] or None),
        "age": -1 if row["age"] is None else row["age"],
        "text": bool(row["text"]),
        "words": bool(row["words"]),
        "num_samples": row["num_samples"],
        "sample_rate": row["sample_rate"],
        **{name: np.nan if measured[name] is None else measured[name] for name in _MEASURED},
    }


def _require_unique(census: Census) -> None:
    key, file, offset = (census.columns[name] for name in ("key", "file", "offset"))
    for first in np.flatnonzero(key[1:] == key[:-1]):
        pair = slice(first, first + 2)
        one, other = read_rows(census.files, file[pair], offset[pair])
        if one["id"] == other["id"]:
            places = " and ".join(sorted(str(row["folder"].parent) for row in (one, other)))
            raise InputError(f"{places} both have a clip {one['id']}: delete one of them")
