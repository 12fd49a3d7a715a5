"""CelebV-Text: twenty sentences about each of 70,000 clips of faces (CVPR 2023, arXiv 2303.14717).

The published archives hold a text file a clip, one sentence a line: `face40_details_new` (general
and detailed appearance), `emotion`, `action_dur`, `light_dir`, `light_intensity` and
`light_colot_temp`, after the loaders of others. They lie in `texts/`, `descriptions/` or the root.

Its authors publish no videos but where on YouTube they are, and a script that cuts them, one file a
clip. What they show is the face, whoever speaks: the sound is not used.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmtts import InputError
from mmtts.data.corpora.public.tables import texts_of
from mmtts.data.corpora.records import Caption, Footage, License, require
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
ENDINGS = {".mp4", ".mkv", ".webm", ".mov", ".m4v", ".avi"}
_CLIP = re.compile(r"[\w-]+")
# A video of YouTube, whose name has eleven characters, then one or two numbers; whole videos, which
# the authors' script leaves beside the clips, have none.
_OF_VIDEO = re.compile(r"([\w-]{11})(?:_\d+){1,2}|([\w-]+)_\d+_\d+", re.ASCII)

_log = logging.getLogger(__name__)


def face_of(clip: str) -> str:
    """Return the id of the clip of a face that a text file is named after; "" where it is none.

    Example:
        >>> face_of("-lPQTvZIogI_181_1")
        'celebv_text--lPQTvZIogI_181_1'
    """
    return f"{NAME}-{clip}" if _CLIP.fullmatch(clip) else ""


def read_footage(root: Path) -> Iterator[Footage]:
    """Yield every clip `<video>_<number>_<number>.mp4` that lies anywhere below `root`.

    Nobody labeled who is seen: the video counts as one person. A clip that is there twice is taken
    once, and files of other names are counted in the log.

    Raises:
        InputError: The folder is missing, or there is no clip in it.
    """
    taken: set[str] = set()
    n_other = n_again = 0
    for folder, folders, files in os.walk(require(root, NAME)):
        folders.sort()
        for name in sorted(files):
            clip, ending = os.path.splitext(name)  # noqa: PTH122 - a Path per file is slow
            if ending.lower() not in ENDINGS:
                continue
            match = _OF_VIDEO.fullmatch(clip)
            if match is None:
                n_other += 1
            elif clip in taken:
                n_again += 1
            else:
                taken.add(clip)
                yield Footage(NAME, clip, Path(folder, name), f"{NAME}-{match[1] or match[2]}")
    if not taken:
        raise InputError(f"{NAME}: no video <video>_<number>_<number>.mp4 is below {root}.")
    _log.info("%s: %d clips, %d again, %d other videos", root, len(taken), n_again, n_other)


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
