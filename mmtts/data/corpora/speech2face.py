"""Faces and voices of the same people in the wild (`pairs.csv`; sources AVSpeech and VoxCeleb)."""

from pathlib import Path

from mmtts.data.corpora.records import (
    Clip,
    FaceAttributes,
    License,
    Portrait,
    gender_of,
    read_face_attributes,
    read_table,
)
from mmtts.data.qualities import hear_tags

NAME = "speech2face"
LICENSE = License("none stated, taken from videos: research only", False, "AVSpeech and VoxCeleb")
COLUMNS = ("id", "source", "face", "audio", "speaker", "gender")


def _person(row: dict[str, str]) -> str:
    return f"{NAME}-{row['speaker']}"


def _read(folder: Path) -> list[tuple[dict[str, str], FaceAttributes]]:
    """Read the pairs, each with age and gender: the label, else what the face shows."""
    seen = read_face_attributes(folder, NAME)
    rows = read_table(folder / "pairs.csv", NAME, COLUMNS)
    shown = [seen.get(row["face"], FaceAttributes(None, None)) for row in rows]
    return [
        (row, FaceAttributes(face.age, gender_of(row["gender"]) or face.gender))
        for row, face in zip(rows, shown, strict=True)
    ]


def read_clips(folder: Path) -> list[Clip]:
    """Read the recordings; nobody transcribed them.

    The age is that of the face, which was cut from the same video. The column `voice_tags`, where
    it is there, gives voice qualities: tags of all listeners, repeated as often as one was chosen.

    Raises:
        InputError: When `pairs.csv` is missing.
    """
    return [
        Clip(
            corpus=NAME,
            id=row["id"],
            path=folder / row["audio"],
            speaker=_person(row),
            gender=person.gender,
            age=person.age,
            qualities=hear_tags((row.get("voice_tags") or "").split(";")),
        )
        for row, person in _read(folder)
    ]


def read_portraits(folder: Path) -> list[Portrait]:
    """Read the faces; each was cut from the video that its recording comes from.

    Raises:
        InputError: When `pairs.csv` is missing.
    """
    return [
        Portrait(
            corpus=NAME,
            id=row["face"],
            path=folder / row["face"],
            person=_person(row),
            gender=person.gender,
            age=person.age,
            clip=row["id"],
        )
        for row, person in _read(folder)
    ]
