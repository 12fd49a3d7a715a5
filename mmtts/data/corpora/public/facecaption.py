"""FaceCaption-15M: a caption for each of 15 M faces on the web (arXiv 2407.08515).

As published on the Hugging Face hub, `FaceCaption-v1.parquet` or `-v2`: `_id`, `caption` (a list of
one), `url`, `laion_caption` and `box`, after the loaders of others. The captions were written out
of 40 attributes that networks had found, which are not published beside them.

`url` is where the picture was, and `box` where the face is in it: "[left, top, right, bottom]" in
pixels. Nobody publishes the pictures without an agreement; they are looked for as in
`mmtts.data.corpora.public.downloads`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.data.corpora.public.downloads import Downloads
from mmtts.data.corpora.public.tables import stream_parquet, texts_of
from mmtts.data.corpora.records import Caption, License, Photo, require
from mmtts.data.corpora.wording import describe_face

NAME = "facecaption"
# The captions are; the pictures are LAION-Face's, which their agreement lends for research.
LICENSE = License(
    "captions CC BY 4.0, pictures from the web: research only",
    False,
    "https://huggingface.co/datasets/OpenFace-CQUPT/FaceCaption-15M",
)
COLUMNS = {
    "face": ("_id", "id", "face_id", "hash", "image_id", "key"),
    "text": ("caption", "face_caption", "short_caption", "text"),
    "url": ("url",),
    "box": ("box", "bbox", "face_box"),
}
_VERSION = re.compile(r"(.+-v)(\d+)")
_FACE = re.compile(r"[\w-]+(?:\.[\w-]+)*")

_log = logging.getLogger(__name__)


def face_of(name: str) -> str:
    """Return the id of the face that a row is about; "" where its name is not plain.

    Example:
        >>> face_of("000012345_0"), face_of("../000012345")
        ('facecaption-000012345_0', '')
    """
    return f"{NAME}-{name}" if _FACE.fullmatch(name) else ""


def read_photos(root: Path) -> Iterator[Photo]:
    """Yield every row of the tables whose picture lies somewhere below `root`.

    A picture is that of the row's id, or of its address. Faces of one address are in one split, as
    one person: most pictures show one. Rows without a picture or a plain id are counted in the log.

    Raises:
        InputError: The folder or its tables are missing, or there is no picture.
    """
    tables = _find_tables(root)
    downloads = Downloads(root)
    if not len(downloads):
        raise InputError(
            f"{NAME}: no picture is below {root}; download them there, as img2dataset does."
        )
    n_found = n_absent = n_unnamed = 0
    for path in tables:
        for row in stream_parquet(path, NAME, COLUMNS, needed=("face",)):
            name = "" if row["face"] is None else str(row["face"])
            url = row["url"].strip() if isinstance(row["url"], str) else ""
            if not _FACE.fullmatch(name):
                n_unnamed += 1
            elif (found := downloads.find(name, url)) is None:
                n_absent += 1
            else:
                n_found += 1
                person, box = _person_of(url) or face_of(name), box_of(row["box"])
                yield Photo(NAME, name, found.path, person, None, found.at, box, found.size)
    _log.info(
        "%s: %d rows with a picture, %d without, %d without an id",
        root, n_found, n_absent, n_unnamed,
    )  # fmt: skip


def box_of(cell: Any) -> tuple[float, float, float, float] | None:
    """Read a box around a face, as JSON or a list; None where it is none.

    Example:
        >>> box_of("[1, 2, 30, 40]"), box_of("[1, 2, 3]")
        ((1.0, 2.0, 30.0, 40.0), None)
    """
    try:
        values = json.loads(cell) if isinstance(cell, str) else cell
        left, top, right, bottom = map(float, values)
    except (ValueError, TypeError, RecursionError):
        return None
    box = (left, top, right, bottom)
    return box if all(map(math.isfinite, box)) and left < right and top < bottom else None


def _person_of(url: str) -> str:
    """Name who is seen in the picture of an address; "" without one."""
    digest = hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{NAME}-{digest[:16]}" if url else ""


def read_captions(root: Path) -> Iterator[Caption]:
    """Yield the caption of every face in the `*.parquet` files of `root`, or of its folder `data`.

    Of several versions (`-v1`, `-v2`) the last counts, and tables of downloads do not. There are no
    labels beside the captions: what one says of its face is all that is known.

    Raises:
        InputError: The folder, its tables or a needed column of one is missing.
    """
    for path in _find_tables(root):
        for row in stream_parquet(path, NAME, COLUMNS, needed=("face", "text")):
            for text in texts_of(row["text"]) or [""]:
                known = describe_face(text)
                face = face_of("" if row["face"] is None else str(row["face"]))
                yield Caption(NAME, text, face, known, known=known)


def _find_tables(root: Path) -> list[Path]:
    """Return the tables of the first folder that has any.

    Raises:
        InputError: None of the folders has any.
    """
    for folder in (require(root, NAME), root / "data"):
        latest: dict[str, tuple[int, Path]] = {}
        for path in sorted(folder.glob("*.parquet")):
            if path.is_file() and not _tells_of_pictures(path):
                match = _VERSION.fullmatch(path.stem)
                key, number = (match[1], int(match[2])) if match else (path.stem, 0)
                latest[key] = max(latest.get(key, (number, path)), (number, path))
        if latest:
            return sorted(path for _, path in latest.values())
    raise InputError(f"{NAME}: {root} holds no *.parquet; unpack the corpus there.")


def _tells_of_pictures(path: Path) -> bool:
    """Whether img2dataset wrote a table, beside a folder or an archive of pictures."""
    shard = (path.with_suffix(""), path.with_suffix(".tar"))
    return path.stem.isdigit() and any(place.exists() for place in shard)
