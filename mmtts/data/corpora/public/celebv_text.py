"""CelebV-Text: twenty sentences about each of 70,000 clips of faces (CVPR 2023, arXiv 2303.14717).

The published archives hold a text file a clip, one sentence a line: `face40_details_new` (general
and detailed appearance), `emotion`, `action_dur`, `light_dir`, `light_intensity` and
`light_colot_temp`, after the loaders of others. They lie in `texts/`, `descriptions/` or the root.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmtts import InputError
from mmtts.data.corpora.public.tables import texts_of
from mmtts.data.corpora.records import Caption, License, require
from mmtts.data.corpora.wording import describe_face

NAME = "celebv_text"
LICENSE = License(
    "non-commercial research only", False, "https://github.com/celebv-text/CelebV-Text"
)
# What is read -> how its folder is spelled. What a face does and how it is lit tell no voice.
FOLDERS = {
    "appearance": ("face40_details_new", "face40_details", "face_details", "general", "detail"),
    "emotion": ("emotion", "emotions"),
}
LONGEST_FILE = 65_536  # characters that are read of one
_CLIP = re.compile(r"[\w-]+")


def face_of(clip: str) -> str:
    """Return the id of the clip of a face that a text file is named after; "" where it is none.

    Example:
        >>> face_of("-lPQTvZIogI_181_1")
        'celebv_text--lPQTvZIogI_181_1'
    """
    return f"{NAME}-{clip}" if _CLIP.fullmatch(clip) else ""


def read_captions(root: Path, kinds: Sequence[str] = tuple(FOLDERS)) -> Iterator[Caption]:
    """Yield every sentence about every clip.

    There are no labels beside the sentences: what one says of its face is all that is known.

    Args:
        root: Where the archives were unpacked.
        kinds: Of `FOLDERS`.

    Raises:
        InputError: The folder is missing, or holds none of the folders of text.
    """
    places = [require(root, NAME) / "texts", root / "descriptions", root]
    folders = [place / name for kind in kinds for place in places for name in FOLDERS[kind]]
    found = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
    if not found:
        wanted = " or ".join(FOLDERS[kind][0] for kind in kinds)
        raise InputError(f"{NAME}: {root} holds no folder {wanted}; unpack the texts there.")
    for folder in found:
        # An archive may hold a folder of its own name.
        for path in sorted(folder.rglob("*.txt")):
            for text in _read_lines(path) or [""]:
                known = describe_face(text)
                yield Caption(NAME, text, face_of(path.stem), known, known=known)


def _read_lines(path: Path) -> list[str]:
    """Return the distinct lines of a file that are not empty."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return texts_of(file.read(LONGEST_FILE).splitlines())
    except OSError:
        return []
