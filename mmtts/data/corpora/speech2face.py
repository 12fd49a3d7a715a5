"""Faces and voices of the same people in the wild (`pairs.csv`; sources AVSpeech and VoxCeleb)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, Portrait, gender_of, read_table

NAME = "speech2face"
LICENSE = License("none stated, taken from videos: research only", False, "AVSpeech and VoxCeleb")
COLUMNS = ("id", "source", "face", "audio", "speaker", "gender")


def _person(row: dict[str, str]) -> str:
    return f"{NAME}-{row['speaker']}"


def read_clips(folder: Path) -> list[Clip]:
    """Read the recordings; nobody transcribed them.

    Raises:
        InputError: When `pairs.csv` is missing.
    """
    rows = read_table(folder / "pairs.csv", NAME, COLUMNS)
    return [
        Clip(NAME, row["id"], folder / row["audio"], _person(row), "", gender_of(row["gender"]))
        for row in rows
    ]


def read_portraits(folder: Path) -> list[Portrait]:
    """Read the faces; each was cut from the video that its recording comes from.

    Raises:
        InputError: When `pairs.csv` is missing.
    """
    rows = read_table(folder / "pairs.csv", NAME, COLUMNS)
    return [
        Portrait(
            corpus=NAME,
            id=row["face"],
            path=folder / row["face"],
            person=_person(row),
            gender=gender_of(row["gender"]),
            clip=row["id"],
        )
        for row in rows
    ]
