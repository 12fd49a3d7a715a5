"""Pair tables of a prepared folder: who belongs to whom, any two of face, clip and prompt."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, encode_attributes
from mmtts.data.columns import Rows, Strings, evenly
from mmtts.data.qualities import QUALITIES, encode_qualities, parse_qualities
from mmtts.data.table_files import read_columns, row_name, table_path

QUALITY_COLUMNS = ("qualities", "item_qualities")


class Face(NamedTuple):
    """A row of the table of faces: an aligned crop (path in the data folder) and what is known."""

    face: str
    person: str
    split: str
    gender: str
    age: str
    expression: str


class FaceSpeechPair(NamedTuple):
    """A face and a clip of the same person."""

    face: str
    cut: str
    person: str


class PromptPairs(NamedTuple):
    """Prompts and the items (clips or faces) that they were written for, n rows.

    Attributes:
        prompts: Sentences.
        items: Cut ids or face paths.
        named: int8 (n, 6), what the prompt names; -1 = nothing.
        known: int8 (n, 6), what is known of the item.
        named_qualities: int8 (n, Q), 1 where the prompt names a voice quality, else -1.
        known_qualities: int8 (n, Q), of the item: 1 true, 0 false, -1 unknown.
    """

    prompts: Strings
    items: Strings
    named: np.ndarray
    known: np.ndarray
    named_qualities: np.ndarray
    known_qualities: np.ndarray

    @property
    def claims(self) -> np.ndarray:
        """All that the prompts name, int64 (n, 6 + Q)."""
        return np.hstack([self.named, self.named_qualities]).astype(np.int64)

    @property
    def facts(self) -> np.ndarray:
        """All that is known of the items, int64 (n, 6 + Q)."""
        return np.hstack([self.known, self.known_qualities]).astype(np.int64)

    def distinct_items(self, limit: int | None = None) -> PromptPairs:
        """The rows where each item comes last: every item once.

        Args:
            limit: Take every second, third, ... item, so that there are at most so many.
        """
        rows = self.items.last_rows()
        return self.take(rows[evenly(len(rows), limit)])

    def distinct_prompts(self, limit: int | None = None) -> PromptPairs:
        """The rows where each prompt comes last, in alphabetical order: every prompt once.

        Args:
            limit: Take every second, third, ... prompt, so that there are at most so many.
        """
        rows = self.prompts.last_rows()
        rows = rows[np.argsort(self.prompts.take(rows).numbers())]
        return self.take(rows[evenly(len(rows), limit)])

    def take(self, rows: np.ndarray | list[int]) -> PromptPairs:
        """These rows, in this order."""
        return PromptPairs(
            self.prompts.take(rows), self.items.take(rows), *(column[rows] for column in self[2:])
        )


def read_faces(folder: Path) -> Rows[Face]:
    """Read the table of faces, `faces.csv` or `faces.parquet`.

    Raises:
        InputError: It cannot be read, an age is no number, a path leads out of the folder, or a
            person is in two splits.
    """
    path = table_path(folder, "faces")
    faces = Rows(Face, read_columns(path, Face._fields).values())
    check_paths(path, faces.column("face"))
    _encode(path, faces.column("age"), _age, np.float64)
    person, split = faces.column("person"), faces.column("split")
    combined = person.codes.astype(np.int64) * max(1, len(split.values)) + split.codes
    owners, counts = np.unique(np.unique(combined) // max(1, len(split.values)), return_counts=True)
    if (counts > 1).any():
        twice = person.values[owners[counts > 1][0]]
        raise InputError(f"{path} has {twice!r} in two splits")
    return faces


def _age(cell: str) -> float:
    try:
        return float(cell or math.nan)
    except ValueError as error:
        raise InputError(f"the age {cell!r} is no number; leave it empty if unknown") from error


def check_paths(path: Path, faces: Strings) -> None:
    """Make sure that the faces of a table lie in the data folder.

    Raises:
        InputError: A path is empty, absolute, or leads out of the folder.
    """
    _encode(path, faces, _inside, bool)


def _inside(face: str) -> bool:
    if not face or "\0" in face or face.startswith("/") or ".." in face.split("/"):
        raise InputError(f"the face {face!r} is no path within the data folder")
    return True


def read_face_speech(folder: Path, split: str) -> Rows[FaceSpeechPair]:
    """Read `pairs/face_speech_<split>.csv` or `.parquet`.

    Raises:
        InputError: It cannot be read, or a path leads out of the folder.
    """
    path = table_path(folder, f"pairs/face_speech_{split}")
    pairs = Rows(FaceSpeechPair, read_columns(path, FaceSpeechPair._fields).values())
    check_paths(path, pairs.column("face"))
    return pairs


def read_loudness(folder: Path, split: str) -> dict[str, float]:
    """Read how loud the clips of a split are for their corpora: cut id -> dB, where it is known.

    Raises:
        InputError: The manifest (or that of the Shar) is missing or broken.
    """
    path = folder / "speech" / f"cuts_{split}.jsonl.gz"
    parts = [path] if path.exists() else sorted(folder.glob(f"speech/shar/{split}/cuts.*.jsonl.gz"))
    try:
        return dict(known for part in parts or [path] for known in _loudness_of_cuts(part))
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as error:
        raise InputError(f"{path} is no readable cut manifest: {error}") from error


def _loudness_of_cuts(path: Path) -> Iterator[tuple[str, float]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:  # one after the other: a million cuts at once would fill the memory
            cut = json.loads(line)
            custom = cut["supervisions"][0].get("custom") or {}
            value = custom.get("attributes", {}).get("loudness")
            if value is not None:
                yield cut["id"], float(value)


def has_prompts(folder: Path, split: str, kind: str) -> bool:
    """Whether a folder has prompts of a split for "speech" or for "face"."""
    return table_path(folder, f"pairs/prompt_{kind}_{split}").exists()


def read_prompts(folder: Path, split: str, item: str) -> PromptPairs:
    """Read `pairs/prompt_<item>_<split>.csv` or `.parquet`.

    Args:
        folder: Prepared data folder.
        split: "train", "valid" or "test".
        item: "speech" or "face".

    Folders prepared before there were voice qualities have none: all are unknown.

    Raises:
        InputError: The table cannot be read, or names an unknown attribute value or quality.
    """
    path = table_path(folder, f"pairs/prompt_{item}_{split}")
    key = "cut" if item == "speech" else "face"
    wanted = ["prompt", key, *ATTRIBUTES, *(f"item_{name}" for name in ATTRIBUTES)]
    columns = read_columns(path, wanted, QUALITY_COLUMNS)
    if item == "face":
        check_paths(path, columns["face"])
    codes = [
        np.stack(
            [
                _encode(path, columns[prefix + name], partial(_attribute_code, name), np.int8)
                for name in ATTRIBUTES
            ],
            axis=1,
        )
        for prefix in ("", "item_")
    ]
    shape = (len(columns["prompt"]), len(QUALITIES))
    codes += [
        _encode(path, columns[name], _quality_codes, np.int8).reshape(shape)
        for name in QUALITY_COLUMNS
    ]
    return PromptPairs(columns["prompt"], columns[key], *codes)


def _attribute_code(name: str, cell: str) -> int:
    return int(encode_attributes({name: cell})[list(ATTRIBUTES).index(name)])


def _quality_codes(cell: str) -> np.ndarray:
    return encode_qualities(parse_qualities(cell))


def _encode(path: Path, column: Strings, encode: Callable[[str], Any], dtype: Any) -> np.ndarray:
    """Encode the cells of a column: (n, ...). Equal ones are encoded once.

    Raises:
        InputError: One cannot be encoded; the sentence names its first row.
    """

    def named(cell: str) -> Any:
        try:
            return encode(cell)
        except InputError as error:
            row = int((column.codes == column.values.index(cell)).argmax())
            raise InputError(f"{row_name(path, row)}: {error}") from error

    return column.each(named, dtype)
