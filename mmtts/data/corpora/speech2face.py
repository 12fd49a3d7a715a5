"""Faces and voices of the same people in the wild (`pairs.csv`; sources AVSpeech and VoxCeleb)."""

from collections import Counter
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
from mmtts.data.qualities import hear_qualities

NAME = "speech2face"
LICENSE = License("none stated, taken from videos: research only", False, "AVSpeech and VoxCeleb")
COLUMNS = ("id", "source", "face", "audio", "speaker", "gender")
# The tags that listeners of ParaSpeechCaps (arXiv 2503.04713) chose from; they could add others.
OFFERED_TAGS = frozenset(
    {
        "authoritative",
        "booming",
        "crisp",
        "deep",
        "enunciated",
        "fast",
        "flowing",
        "guttural",
        "hesitant",
        "husky",
        "loud",
        "measured",
        "monotonous",
        "nasal",
        "pitchy",
        "punctuated",
        "raspy",
        "shrill",
        "silky",
        "singsong",
        "slow",
        "slurred",
        "soft",
        "staccato",
        "stammering",
        "vocal-fry",
    }
)


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
            qualities=_qualities(row.get("voice_tags") or ""),
        )
        for row, person in _read(folder)
    ]


def _qualities(tags: str) -> dict[str, bool]:
    """Qualities by tags such as `Deep;Deep;Nasal`; a tag chosen n times counts for n listeners."""
    counts = Counter(tag.strip().lower() for tag in tags.split(";") if tag.strip())
    most = max(counts.values(), default=0)
    listeners = [{tag for tag, count in counts.items() if count > k} for k in range(most)]
    return hear_qualities(listeners, OFFERED_TAGS)


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
