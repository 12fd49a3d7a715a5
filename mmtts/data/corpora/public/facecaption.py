"""FaceCaption-15M: a caption for each of 15 M faces on the web (arXiv 2407.08515).

As published on the Hugging Face hub, `FaceCaption-v1.parquet` or `-v2`: `_id`, `caption` (a list of
one), `url`, `laion_caption` and `box`, after the loaders of others. The captions were written out
of 40 attributes that networks had found, which are not published beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmtts.data.corpora.public.tables import find_tables, stream_parquet, texts_of
from mmtts.data.corpora.records import Caption, License, require
from mmtts.data.corpora.wording import describe_face

NAME = "facecaption_15m"
# The captions are; the pictures are LAION-Face's, which their agreement lends for research.
LICENSE = License(
    "captions CC BY 4.0, pictures from the web: research only",
    False,
    "https://huggingface.co/datasets/OpenFace-CQUPT/FaceCaption-15M",
)
COLUMNS = {
    "face": ("_id", "id", "face_id", "hash", "image_id", "key"),
    "text": ("caption", "face_caption", "short_caption", "text"),
}
_FACE = re.compile(r"[\w-]+(?:\.[\w-]+)*")


def face_of(name: str) -> str:
    """Return the id of the face that a row is about; "" where its name is not plain.

    Example:
        >>> face_of("000012345_0"), face_of("../000012345")
        ('facecaption_15m-000012345_0', '')
    """
    return f"{NAME}-{name}" if _FACE.fullmatch(name) else ""


def read_captions(root: Path) -> Iterator[Caption]:
    """Yield the caption of every face in the `*.parquet` files of `root`, or of its folder `data`.

    There are no labels beside the captions: what one says of its face is all that is known.

    Raises:
        InputError: The folder, its tables or a needed column of one is missing.
    """
    for path in find_tables([require(root, NAME), root / "data"], [".parquet"], NAME):
        for row in stream_parquet(path, NAME, COLUMNS, needed=("face", "text")):
            for text in texts_of(row["text"]) or [""]:
                known = describe_face(text)
                face = face_of("" if row["face"] is None else str(row["face"]))
                yield Caption(NAME, text, face, known, known=known)
