"""What every corpus reader yields: plain records that know nothing of features or networks."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan

SURE = 0.9  # of a face's gender
# Below it the network's ages of labeled faces are wrong by eleven years on average, above by eight.
SURE_OF_AGE = 0.3
CHILDHOOD_ENDS = 13
GENDERS = {"f": "female", "m": "male", "female": "female", "male": "male"}


@dataclass(frozen=True)
class License:
    """Under which terms a corpus may be used.

    Attributes:
        terms: The licence, in words.
        publishable: Whether weights trained on the corpus may be published (with attribution).
        source: Where it comes from.
    """

    terms: str
    publishable: bool
    source: str


@dataclass(frozen=True)
class Clip:
    """One recording of one person.

    Attributes:
        corpus: Name of the corpus, also the prefix of `speaker`.
        id: Unique within the corpus, safe as a file name.
        path: The audio file.
        speaker: Globally unique, e.g. `speechocean762-0003`.
        text: What is said, "" when nobody transcribed it.
        gender: "female", "male" or None when unknown.
        age: Years, or None.
        emotion: One of the emotion attribute's values, or None.
        qualities: Voice quality -> whether the speaker has it, where listeners said so.
        accent: "native", "learner" or "synthetic", "" when unknown.
        span: From where to where the clip lies in the file, in seconds; None for all of it.
    """

    corpus: str
    id: str
    path: Path
    speaker: str
    text: str = ""
    gender: str | None = None
    age: int | None = None
    emotion: str | None = None
    qualities: Mapping[str, bool] = field(default_factory=dict)
    accent: str = ""
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Portrait:
    """One picture of one person; `clip` names a recording of the same moment, when there is one."""

    corpus: str
    id: str
    path: Path
    person: str
    gender: str | None = None
    age: int | None = None
    expression: str | None = None
    clip: str | None = None


@dataclass(frozen=True)
class Footage:
    """A video of one person, or the sound of one alone.

    What `mmtts.data.footage` extracts of who speaks, or `mmtts.data.portraits` where the face alone
    is wanted.

    Attributes:
        corpus: Name of the corpus.
        id: Unique within the corpus, safe as a file name.
        path: The video, or a file of sound.
        person: Globally unique, e.g. `voxceleb2-id00012`, safe as the name of a folder.
        gender: "female", "male" or None when unknown.
        text: What is said, "" when nobody transcribed it.
        words: When each word is said, in seconds of the file; None when unknown.
        span: From where to where the footage lies in the file, in seconds; None for all of it.
        center: Where the face of who speaks has its center when the footage begins, as shares of
            the picture's width and height from its left upper corner; None when unknown.
        split: Where the corpus's authors put it, in their word; "" when they say nothing.
    """

    corpus: str
    id: str
    path: Path
    person: str
    gender: str | None = None
    text: str = ""
    words: tuple[WordSpan, ...] | None = None
    span: tuple[float, float] | None = None
    center: tuple[float, float] | None = None
    split: str = ""


@dataclass(frozen=True)
class Photo:
    """A picture of someone whose voice nobody knows: what `mmtts.data.portraits` cuts a face from.

    Attributes:
        corpus: Name of the corpus.
        id: Unique within the corpus, safe as a file name.
        path: The picture, or a tar archive that holds it.
        person: Globally unique; who is seen in one picture alone is called after it.
        gender: "female", "male" or None when unknown.
        at: Where the picture lies in the archive, first byte and number of bytes; None where it is
            a file of its own.
        box: Around the face that is meant: left, top, right and bottom in pixels; None when
            unknown.
        size: Width and height of the picture in whose pixels the box is, where it was scaled since;
            None where it was not.
    """

    corpus: str
    id: str
    path: Path
    person: str
    gender: str | None = None
    at: tuple[int, int] | None = None
    box: tuple[float, float, float, float] | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class StylePrompt:
    """A sentence that describes a voice or a face.

    Attributes:
        corpus: Name of the source.
        text: The sentence.
        attributes: What it names.
        family: Sentences of one family differ in little but their attributes, so they are never in
            two splits; "" for a sentence that is a family of its own.
        test_only: Whether its source is kept from training as a whole.
        qualities: Voice qualities that it names.
    """

    corpus: str
    text: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    test_only: bool = False
    qualities: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Caption:
    """A sentence about one clip or one face: it belongs to that one, whatever else it would fit.

    Attributes:
        corpus: Name of the source.
        text: The sentence, "" where the source has none.
        item: The clip as its corpus's reader names it (`<corpus>-<id>`), or the face likewise; ""
            where the source names none that can be told.
        attributes: What the sentence names.
        qualities: Voice qualities that it names.
        known: Attributes that the source knows of the item, whether the sentence names them or not.
        known_qualities: Voice qualities that it knows of the item.
    """

    corpus: str
    text: str
    item: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    qualities: Mapping[str, bool] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    known_qualities: Mapping[str, bool] = field(default_factory=dict)


def require(path: Path, corpus: str) -> Path:
    """Return `path`.

    Raises:
        InputError: When it does not exist; the sentence names the corpus and the path.
    """
    if not path.exists():
        raise InputError(
            f"{corpus}: {path} does not exist; unpack the corpus there or leave it out."
        )
    return path


def read_table(path: Path, corpus: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a csv file with a header.

    Raises:
        InputError: When the file is missing or lacks one of `columns`.
    """
    with require(path, corpus).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise InputError(f"{corpus}: {path} has no column {', '.join(sorted(missing))}.")
        return list(reader)


def read_pairs(path: Path, corpus: str) -> dict[str, str]:
    """Read a Kaldi table: a key, white space, the value (which may hold spaces) on every line."""
    lines = require(path, corpus).read_text(encoding="utf-8").splitlines()
    split = (line.split(None, 1) for line in lines if line.strip())
    return {parts[0]: parts[1].strip() if len(parts) > 1 else "" for parts in split}


class FaceAttributes(NamedTuple):
    """What networks read off a face; None where they are not sure."""

    age: int | None
    gender: str | None


def read_face_attributes(folder: Path, corpus: str) -> dict[str, FaceAttributes]:
    """Read `face_attributes.csv` (image, detected, age, age_confidence, male) where it is there.

    A gender counts when its probability is at least `SURE`, an age when its confidence is at least
    `SURE_OF_AGE`, or unstated. Childhood is not believed: in video stills the network takes blurred
    and round faces for children's, with any confidence.

    Returns:
        Attributes by image path; empty without the table.
    """
    path = folder / "face_attributes.csv"
    if not path.exists():
        return {}
    found = {}
    for row in read_table(path, corpus, ("image", "detected", "age", "male")):
        if row["detected"] != "1":
            continue
        male = float(row["male"])
        gender = "male" if male >= SURE else "female" if male <= 1 - SURE else None
        age = age_of(row["age"])
        sure = float(row.get("age_confidence") or 1.0) >= SURE_OF_AGE
        if age is not None and (age < CHILDHOOD_ENDS or not sure):
            age = None
        found[row["image"]] = FaceAttributes(age, gender)
    return found


def gender_of(letter: str) -> str | None:
    """Return "female", "male" or None for the spellings that the corpora use."""
    return GENDERS.get(letter.strip().lower())


def age_of(years: str) -> int | None:
    """Return whole years, or None for an empty or non-numeric cell."""
    return int(years) if years.strip().isdigit() else None
