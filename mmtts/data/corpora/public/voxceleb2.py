"""VoxCeleb2: celebrities in interviews, a face track a file (Chung et al., arXiv 1806.05622)."""

import csv
from collections.abc import Iterator
from pathlib import Path

from mmtts import InputError
from mmtts.data.corpora.records import Footage, License, gender_of, require

NAME = "voxceleb2"
LICENSE = License(
    "research only: cut from YouTube's videos, whose makers keep their rights",
    False,
    "https://www.robots.ox.ac.uk/~vgg/data/voxceleb/vox2.html",
)
SPLITS = ("dev", "test")
_TABLE = "vox2_meta.csv"
# The video goes before the same sound alone.
_KINDS = (("mp4", ".mp4"), ("aac", ".m4a"))


def read_footage(root: Path) -> Iterator[Footage]:
    """Read `{dev,test}/mp4/<person>/<video>/<number>.mp4`, and `aac/.../<number>.m4a` likewise.

    What is there as sound alone becomes footage of its sound. Genders are those of `vox2_meta.csv`;
    nothing is known of people who are not in it. Folders are listed one person at a time.

    Raises:
        InputError: When there is neither `dev` nor `test`, or the table has no genders.
    """
    genders = _read_genders(require(root, NAME) / _TABLE)
    splits = [
        split for split in SPLITS if any((root / split / kind).is_dir() for kind, _ in _KINDS)
    ]
    if not splits:
        raise InputError(f"{NAME}: {root} holds no dev/mp4, dev/aac, test/mp4 or test/aac.")
    for split in splits:
        folders = [root / split / kind for kind, _ in _KINDS]
        for person in sorted({name for folder in folders for name in _names(folder)}):
            for (video, number), path in sorted(_files(root / split, person).items()):
                yield Footage(
                    corpus=NAME,
                    id=f"{person}-{video}-{number}",
                    path=path,
                    person=f"{NAME}-{person}",
                    gender=genders.get(person),
                    split=split,
                )


def _names(folder: Path) -> list[str]:
    """Names of the folders in a folder, hidden ones left out; none where there is no folder."""
    if not folder.is_dir():
        return []
    return [path.name for path in folder.iterdir() if path.name[0] != "." and path.is_dir()]


def _files(split: Path, person: str) -> dict[tuple[str, str], Path]:
    """The files of one person by video and number."""
    found: dict[tuple[str, str], Path] = {}
    for kind, ending in _KINDS:
        for path in (split / kind / person).glob(f"*/[!.]*{ending}"):
            found.setdefault((path.parent.name, path.stem), path)
    return found


def _read_genders(path: Path) -> dict[str, str | None]:
    """Read `VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set `, a table with blanks before its commas."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        table = [[cell.strip() for cell in row] for row in csv.reader(file)]
    header = [name.lower() for name in table[0]] if table else []
    if "voxceleb2 id" not in header or "gender" not in header:
        raise InputError(f"{NAME}: {path} has no columns `VoxCeleb2 ID` and `Gender`.")
    person, gender = header.index("voxceleb2 id"), header.index("gender")
    full = (row for row in table[1:] if len(row) > max(person, gender))
    return {row[person]: gender_of(row[gender]) for row in full}
