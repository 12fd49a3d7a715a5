"""Pair tables of a prepared folder: who belongs to whom, any two of face, clip and prompt."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, encode_attributes
from mmtts.data.qualities import encode_qualities, parse_qualities

QUALITY_COLUMNS = ("qualities", "item_qualities")


class Face(NamedTuple):
    """A row of `faces.csv`: an aligned crop (path in the data folder) and what is known of it."""

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
        named: int64 (n, 6), what the prompt names; -1 = nothing.
        known: int64 (n, 6), what is known of the item.
        named_qualities: int64 (n, Q), 1 where the prompt names a voice quality, else -1.
        known_qualities: int64 (n, Q), of the item: 1 true, 0 false, -1 unknown.
    """

    prompts: list[str]
    items: list[str]
    named: np.ndarray
    known: np.ndarray
    named_qualities: np.ndarray
    known_qualities: np.ndarray

    @property
    def claims(self) -> np.ndarray:
        """All that the prompts name (n, 6 + Q)."""
        return np.hstack([self.named, self.named_qualities])

    @property
    def facts(self) -> np.ndarray:
        """All that is known of the items (n, 6 + Q)."""
        return np.hstack([self.known, self.known_qualities])

    def distinct_items(self) -> PromptPairs:
        """The rows where each item comes last: every item once."""
        return self._rows(list({item: k for k, item in enumerate(self.items)}.values()))

    def distinct_prompts(self, limit: int | None = None) -> PromptPairs:
        """The rows where each prompt comes last, in alphabetical order: every prompt once.

        Args:
            limit: Take every second, third, ... prompt, so that there are at most so many.
        """
        last = {prompt: k for k, prompt in enumerate(self.prompts)}
        step = max(1, -(-len(last) // limit)) if limit else 1
        return self._rows([last[prompt] for prompt in sorted(last)[::step]])

    def _rows(self, rows: list[int]) -> PromptPairs:
        return PromptPairs(
            [self.prompts[k] for k in rows],
            [self.items[k] for k in rows],
            *(column[rows] for column in self[2:]),
        )


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[list[str]]:
    """Read some columns of a csv file, then the optional ones: empty cells where they are absent.

    Raises:
        InputError: The file or a column is missing, or a row is too short.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            absent = [name for name in columns if name not in header]
            if absent:
                raise InputError(f"{path} has no column {absent[0]!r}, only {', '.join(header)}")
            places = [header.index(name) for name in columns]
            places += [header.index(name) if name in header else -1 for name in optional]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; prepare the data folder again") from error
    for number, row in enumerate(rows, start=2):
        if len(row) < len(header):
            raise InputError(f"{path}, line {number}: {len(row)} cells instead of {len(header)}")
    return [[row[k] if k >= 0 else "" for k in places] for row in rows]


def read_faces(folder: Path) -> list[Face]:
    """Read `faces.csv`.

    Raises:
        InputError: It cannot be read, or a person is in two splits.
    """
    faces = [Face(*row) for row in read_rows(folder / "faces.csv", Face._fields)]
    splits: dict[str, str] = {}
    for face in faces:
        if splits.setdefault(face.person, face.split) != face.split:
            raise InputError(f"{folder}/faces.csv has {face.person!r} in two splits")
    return faces


def read_face_speech(folder: Path, split: str) -> list[FaceSpeechPair]:
    """Read `pairs/face_speech_<split>.csv`."""
    path = folder / "pairs" / f"face_speech_{split}.csv"
    return [FaceSpeechPair(*row) for row in read_rows(path, FaceSpeechPair._fields)]


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
    return (folder / "pairs" / f"prompt_{kind}_{split}.csv").exists()


def read_prompts(folder: Path, split: str, item: str) -> PromptPairs:
    """Read `pairs/prompt_<item>_<split>.csv`.

    Args:
        folder: Prepared data folder.
        split: "train", "valid" or "test".
        item: "speech" or "face".

    Folders prepared before there were voice qualities have none: all are unknown.

    Raises:
        InputError: The table cannot be read, or names an unknown attribute value or quality.
    """
    path = folder / "pairs" / f"prompt_{item}_{split}.csv"
    key = "cut" if item == "speech" else "face"
    columns = ["prompt", key, *ATTRIBUTES, *(f"item_{name}" for name in ATTRIBUTES)]
    rows = read_rows(path, columns, QUALITY_COLUMNS)
    count = len(ATTRIBUTES)
    bounds = (2, 2 + count, 2 + 2 * count, 3 + 2 * count, 4 + 2 * count)
    encoders = (_attribute_codes, _attribute_codes, _quality_codes, _quality_codes)
    codes = [
        _encode_columns(path, rows, slice(first, end), encode)
        for first, end, encode in zip(bounds, bounds[1:], encoders, strict=False)
    ]
    return PromptPairs([row[0] for row in rows], [row[1] for row in rows], *codes)


def _attribute_codes(cells: Sequence[str]) -> np.ndarray:
    return encode_attributes(dict(zip(ATTRIBUTES, cells, strict=True))).numpy()


def _quality_codes(cells: Sequence[str]) -> np.ndarray:
    return encode_qualities(parse_qualities(cells[0]))


def _encode_columns(
    path: Path, rows: list[list[str]], columns: slice, encode: Callable[[Sequence[str]], np.ndarray]
) -> np.ndarray:
    """Encode some cells of every row: int64 (n, K). Equal ones are encoded once.

    Raises:
        InputError: They cannot be encoded; the sentence names the line.
    """
    codes: dict[tuple[str, ...], np.ndarray] = {}
    for number, row in enumerate(rows, start=2):
        cells = tuple(row[columns])
        if cells not in codes:
            try:
                codes[cells] = encode(cells)
            except InputError as error:
                raise InputError(f"{path}, line {number}: {error}") from error
    if not rows:
        return encode([""] * (columns.stop - columns.start))[None][:0]
    return np.stack([codes[tuple(row[columns])] for row in rows])
