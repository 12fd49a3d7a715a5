"""Labeled Faces in the Wild: grey crops with identity, gender and expression (`faces.csv`)."""

from pathlib import Path

from mmtts.data.corpora.records import (
    License,
    Portrait,
    gender_of,
    read_face_attributes,
    read_table,
)

NAME = "lfw"
LICENSE = License("news photographs: research only", False, "http://vis-www.cs.umass.edu/lfw")
EXPRESSIONS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprised",
    "anger": "angry",
    "sadness": "sad",
    "disgust": "disgusted",
    "fear": "fearful",
}


def read_portraits(folder: Path) -> list[Portrait]:
    """Read `faces.csv` (image, identity, gender, emotion); unknown expressions become None.

    The age is what a network reads off the face, where `face_attributes.csv` has it.

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "faces.csv", NAME, ("image", "identity", "gender", "emotion"))
    seen = read_face_attributes(folder, NAME)
    return [
        Portrait(
            corpus=NAME,
            id=row["image"],
            path=folder / row["image"],
            person=f"{NAME}-{row['identity']}",
            gender=gender_of(row["gender"]),
            age=seen[row["image"]].age if row["image"] in seen else None,
            expression=EXPRESSIONS.get(row["emotion"]),
        )
        for row in rows
    ]
