"""Whose faces and clips a demo page shows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from mmtts import InputError
from mmtts.audio.files import Audio, read_audio


class Person(NamedTuple):
    """Someone with a picture, a clip, or both.

    Attributes:
        face: The picture.
        speech: The file of the clip.
        clip: What is in it.
        about: What is known of them.
    """

    face: Path | None = None
    speech: Path | None = None
    clip: Audio | None = None
    about: str = ""


def people_of_files(faces: Sequence[Path], clips: Sequence[Path]) -> list[Person]:
    """Take each picture and each clip for those of another person.

    Raises:
        InputError: A clip cannot be read.
    """
    pictured = [Person(face=face, about=face.name) for face in faces]
    return pictured + [Person(None, clip, read_audio(clip), clip.name) for clip in clips]


def read_people(data: Path, count: int) -> list[Person]:
    """Read one face and one clip of each person of the test split, the sexes in turn.

    Args:
        data: Prepared data folder.
        count: How many people.

    Raises:
        InputError: The data folder lacks its tables, or nobody in them has both.
    """
    from mmtts.data.cuts import load_samples, read_clips
    from mmtts.data.pair_tables import read_face_speech, read_faces

    faces = {face.face: face for face in read_faces(data)}
    clips = {clip.id: clip for clip in read_clips(data, "test")}
    people: dict[str, dict[str, str]] = {}
    for pair in read_face_speech(data, "test"):
        if pair.face in faces and pair.cut in clips:
            people.setdefault(pair.person, {**faces[pair.face]._asdict(), **pair._asdict()})
    if not people:
        raise InputError(f"{data} has no person with a face and a clip in its test split")
    women = [row for row in people.values() if row.get("gender") == "female"]
    others = [row for row in people.values() if row.get("gender") != "female"]
    turns = [row for pair in zip_longest(women, others) for row in pair if row is not None]
    read = []
    for row in turns[:count]:
        clip = clips[row["cut"]]
        sound = Audio(load_samples(clip, clip.sample_rate), clip.sample_rate)
        read.append(Person(data / row["face"], Path(str(clip.source)), sound, _about(row)))
    return read


def _about(row: dict[str, str]) -> str:
    age = f"{row['age']} years" if row.get("age") else ""
    known = ", ".join(word for word in (row.get("gender", ""), age) if word)
    return f"{known}; not in the training data" if known else "not in the training data"
