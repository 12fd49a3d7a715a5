"""Downloads: pictures as img2dataset leaves them, or under names of one's own.

img2dataset writes numbered shards: folders `00000/` of `000000000.jpg` and `000000000.json`, or
archives `00000.tar` of the same, and beside either a table `00000.parquet` of what the JSON says:
among others `key`, `url`, `original_width`, `original_height`, and the columns that it was asked to
keep (github.com/rom1504/img2dataset).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tarfile
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.corpora.public.tables import stream_parquet

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
LARGEST_JSON = 65_536  # bytes
# What a picture was downloaded for is told by an id that was kept, else by its address.
FACTS = {
    "key": ("key",),
    "id": ("_id", "id", "face_id", "hash", "image_id"),
    "url": ("url",),
    "width": ("original_width",),
    "height": ("original_height",),
}
Facts = Mapping[str, Any]
_LARGEST_SIDE = 2**20
# Column -> type code: 64 bits that name a picture; archive or folder, and where the picture or its
# name lies in what; what it measured.
_COLUMNS = {
    "key": "Q",
    "place": "i",
    "first": "q",
    "size": "q",
    "width": "i",
    "height": "i",
    "archived": "B",
}

_log = logging.getLogger(__name__)


class Download(NamedTuple):
    """A picture.

    Attributes:
        path: The picture, or the archive that holds it.
        at: Where it lies in the archive, first byte and number of bytes; None for a file.
        size: Its width and height before it was scaled; None where nobody says so.
    """

    path: Path
    at: tuple[int, int] | None
    size: tuple[int, int] | None


class _Found(NamedTuple):
    """A picture in a shard: its name, where it lies in an archive, and what is known of it."""

    name: str
    at: tuple[int, int] | None
    facts: Facts


class Downloads:
    """Where pictures are, by an id or an address; some 50 bytes each in memory.

    Args:
        root: Pictures lie anywhere below it; what cannot be read is named in the log.
    """

    def __init__(self, root: Path) -> None:
        self._places: list[Path] = []  # archives and folders
        self._names = bytearray()  # of files, one after the other
        columns = {name: array(code) for name, code in _COLUMNS.items()}
        for place in _find_places(root):
            n_before = len(columns["key"])
            for found in _look(place):
                for name, value in self._values(found).items():
                    columns[name].append(value)
            if len(columns["key"]) > n_before:
                self._places.append(place)
        # Of several pictures of one key the first counts.
        order = np.argsort(_as_numpy(columns["key"]), kind="stable")
        self._columns = {name: _as_numpy(columns.pop(name))[order] for name in _COLUMNS}

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self._columns["key"])

    def find(self, name: str, url: str) -> Download | None:
        """The picture of this id, else of this address; None where there is none."""
        # A column of addresses may hold several, of which the first was fetched.
        keys = [
            _key("id", name),
            *(_key("url", text) for text in (url, url.split(", ")[0]) if text),
        ]
        for key in keys:
            row = int(np.searchsorted(self._columns["key"], np.uint64(key)))
            if row < len(self) and int(self._columns["key"][row]) == key:
                return self._download(row)
        return None

    def _values(self, found: _Found) -> dict[str, int]:
        """What the columns hold of a picture; the name of a file is put into `_names`."""
        facts, name = found.facts, os.fsencode(found.name)
        first, size = found.at or (len(self._names), len(name))
        if found.at is None:
            self._names += name
        if facts.get("id") is None and facts.get("url"):
            key = _key("url", str(facts["url"]))
        else:
            key = _key("id", str(facts.get("id") or _split(found.name)[0]))
        return {
            "key": key,
            "place": len(self._places),
            "first": first,
            "size": size,
            "width": _side(facts.get("width")),
            "height": _side(facts.get("height")),
            "archived": found.at is not None,
        }

    def _download(self, row: int) -> Download:
        values = {name: int(column[row]) for name, column in self._columns.items()}
        path, first, size = self._places[values["place"]], values["first"], values["size"]
        width, height = values["width"], values["height"]
        original = (width, height) if width and height else None
        if values["archived"]:
            return Download(path, (first, size), original)
        name = os.fsdecode(bytes(self._names[first : first + size]))
        return Download(path / name, None, original)


def _as_numpy(column: array[int]) -> np.ndarray:
    return np.frombuffer(column, column.typecode) if column else np.array([], column.typecode)


def _key(kind: str, text: str) -> int:
    """64 bits by which a picture is found."""
    digest = hashlib.sha256(f"{kind} {text}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8])


def _side(value: Any) -> int:
    """A width or height; 0 where it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and 0 < value < _LARGEST_SIDE else 0


def _split(name: str) -> tuple[str, str]:
    """The name of a file without its ending, and the ending, small."""
    stem, ending = os.path.splitext(name)  # noqa: PTH122 - called for millions of files
    return stem, ending.lower()


def _find_places(root: Path) -> Iterator[Path]:
    """Yield folders and archives that may hold pictures."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        yield Path(folder)
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".tar"))


def _look(place: Path) -> Iterator[_Found]:
    """Yield the pictures of a folder or of an archive."""
    try:
        yield from _look_into_archive(place) if place.is_file() else _look_into_folder(place)
    except OSError as error:
        _log.warning("%s cannot be read: %s", place, error)


def _look_into_folder(folder: Path) -> Iterator[_Found]:
    with os.scandir(folder) as entries:
        names = {entry.name for entry in entries if entry.is_file()}
    pictures = sorted(name for name in names if _split(name)[1] in ENDINGS)
    table = _read_table(folder.with_name(f"{folder.name}.parquet")) if pictures else {}
    for name in pictures:
        stem, _ = _split(name)
        facts = table.get(stem)
        if facts is None and f"{stem}.json" in names:
            with (folder / f"{stem}.json").open("rb") as file:
                facts = _parse(file)
        yield _Found(name, None, facts or {})


def _look_into_archive(path: Path) -> Iterator[_Found]:
    """Read the headers, up to where the archive is damaged.

    Links, devices and files with holes are passed over.
    """
    table = _read_table(path.with_suffix(".parquet"))
    pictures: dict[str, tuple[int, int]] = {}
    facts: dict[str, Facts] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isreg() or member.sparse is not None:
                    continue
                name = os.path.basename(member.name)  # noqa: PTH119
                stem, ending = _split(name)
                if ending in ENDINGS:
                    pictures[name] = (member.offset_data, member.size)
                elif ending == ".json" and stem not in table:
                    content = archive.extractfile(member)
                    facts[stem] = _parse(content) if content else {}
    except (tarfile.TarError, ValueError, EOFError) as error:
        _log.warning("%s is damaged after %d pictures: %s", path, len(pictures), error)
    for name, at in pictures.items():
        stem, _ = _split(name)
        yield _Found(name, at, table.get(stem) or facts.get(stem) or {})


def _read_table(path: Path) -> dict[str, Facts]:
    """Read what img2dataset says of the pictures of a shard: key -> facts; empty without it."""
    if not path.is_file():
        return {}
    try:
        rows = stream_parquet(path, path.name, FACTS, needed=("key",))
        return {str(row["key"]): row for row in rows}
    except InputError as error:
        _log.warning("%s", error)
        return {}


def _parse(file: IO[bytes]) -> Facts:
    """Read the JSON of a picture; empty where it is none."""
    try:
        values = json.loads(file.read(LARGEST_JSON))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(values, dict):
        return {}
    return {
        name: values[spelling]
        for name, spellings in FACTS.items()
        for spelling in reversed(spellings)
        if spelling in values
    }
