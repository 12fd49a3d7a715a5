"""VCTK 0.92: English of many accents, read before two microphones (doi 10.7488/ds/2645).

44 h with each microphone, 110 speakers, 48 kHz; 11.7 GB to download.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmtts import InputError
from mmtts.data.corpora.records import Clip, License, age_of, gender_of, require

NAME = "vctk"
LICENSE = License("CC BY 4.0", True, "https://doi.org/10.7488/ds/2645")


class Speaker(NamedTuple):
    """What the table of speakers says of one, as in `Clip`."""

    gender: str | None = None
    age: int | None = None
    accent: str = ""


def read_clips(root: Path, microphones: Sequence[str] = ("mic1",)) -> list[Clip]:
    """Read `wav48_silence_trimmed/{speaker}/*.flac`, `txt/{speaker}/*.txt` and `speaker-info.txt`.

    Lhotse's recipe for it stops at the first sentence without a file, and leaves out p315, whose
    texts are lost; here p315 is read without texts. p280 and p315 have no recordings of the second
    microphone. A sentence of another speaker that has a text and no recording (some of p362) stays
    in the list, and preparing it says that the file does not exist.

    Args:
        root: The folder of the corpus.
        microphones: "mic1" (DPA 4035), "mic2" (Sennheiser MKH 800), or both: then every sentence is
            there twice, `p225_001_mic1` and `p225_001_mic2`, by one speaker.

    Raises:
        InputError: When one of the three is missing, or there is nothing of these microphones.
    """
    sounds = require(root / "wav48_silence_trimmed", NAME)
    texts = require(root / "txt", NAME)
    people = read_speakers(root / "speaker-info.txt")
    clips = []
    for folder in sorted(path for path in sounds.iterdir() if path.is_dir()):
        speaker = folder.name
        person = people.get(speaker, Speaker())
        said = {path.stem: _words(path) for path in (texts / speaker).glob("*.txt")}
        for microphone in microphones:
            ending = f"_{microphone}.flac"
            heard = {path.name.removesuffix(ending) for path in folder.glob(f"*{ending}")}
            clips += [
                Clip(
                    corpus=NAME,
                    id=f"{sentence}_{microphone}",
                    path=folder / f"{sentence}{ending}",
                    speaker=f"{NAME}-{speaker}",
                    text=said.get(sentence, ""),
                    gender=person.gender,
                    age=person.age,
                    accent=person.accent,
                )
                for sentence in sorted(heard | said.keys() if heard else ())
            ]
    if not clips:
        raise InputError(f"{NAME}: {sounds} has no recordings of {' and '.join(microphones)}.")
    return clips


def read_speakers(table: Path) -> dict[str, Speaker]:
    """Read `ID AGE GENDER ACCENTS REGION COMMENTS`.

    Every accent of the table is a native one, but that of p280, which is unknown.
    """
    lines = require(table, NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [(*line.split(), "", "", "", "")[:4] for line in lines if line.strip()]
    return {
        name: Speaker(gender_of(sex), age_of(age), "" if accent in ("", "Unknown") else "native")
        for name, age, sex, accent in rows
    }


def _words(path: Path) -> str:
    return " ".join(path.read_text(encoding="utf-8", errors="replace").split())
