"""Merging portraits of shards: the table of faces, and which of them go with which clips.

Portraits are read again and again, one after the other: there may be tens of millions.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts.data.prepared import write_table
from mmtts.data.shard_folders import PORTRAITS, ROWS, digest_of
from mmtts.data.splits import SPLITS, key_of, split_keys

ENDING = ".csv"  # of every table that is written here
# All faces with all clips of a person of VoxCeleb2, some 180 clips and five times as many faces,
# would be a billion rows. What else there is to learn of a person, other faces are paired with.
OTHERS = 3  # clips of other moments that a face is paired with
_COLUMNS = ("face", "person", "split", "gender", "age", "expression")


class Seen(NamedTuple):
    """A portrait: whose it is, its path, the clip of the same moment, and what is known."""

    person: str
    face: str
    clip: str
    corpus: str
    gender: str


class FaceCensus(NamedTuple):
    """What splits and counts need to know of all portraits, about ten bytes each.

    Attributes:
        person: uint64 (n,), `mmtts.data.splits.key_of` of whom each shows.
        stratum: int32 (n,), place in `strata`.
        strata: Pairs of corpus and gender.
    """

    person: np.ndarray
    stratum: np.ndarray
    strata: list[tuple[str, str]]


def merge_faces(out: Path, shards: Sequence[Path], speakers: Mapping[str, str]) -> dict[str, Any]:
    """Write `faces.csv` and `pairs/face_speech_{split}.csv` of all shards that have portraits.

    In training a face goes with the clip of its own moment and with `OTHERS` more of the person,
    drawn by hashes; for validation and test with the former alone, so that every recording counts
    once. A face of whom nobody hears a clip is in `faces.csv` alone. Of a portrait some 60 bytes
    are in memory, of a clip of a corpus that has portraits its name.

    Args:
        out: The prepared folder.
        shards: Folders of finished shards, of any corpora.
        speakers: Speaker -> split. Who is seen and never heard is split here.

    Returns:
        For the report: `faces`, corpus -> split -> {faces, people}; `pairs`, `face_speech` ->
        split -> rows. Empty where no shard has portraits; nothing is written then.
    """
    # Shards are ranges of hashes: in this order the outcome is the same for any number of them.
    shards = sorted(folder for folder in shards if (folder / PORTRAITS).exists())
    census = take_census(shards)
    if not len(census.person):
        return {}
    split = split_faces(census, speakers)
    named = zip(read_portraits(shards), split, strict=True)
    rows = ((s.face, s.person, SPLITS[k], s.gender, "", "") for s, k in named)
    write_table(out / f"faces{ENDING}", _COLUMNS, rows)

    clips = _read_clips(shards)
    known = {clip for heard in clips.values() for clip in heard}
    count: Counter[str] = Counter()
    for index, name in enumerate(SPLITS):
        seen = zip(read_portraits(shards), split, strict=True)
        chosen = (portrait for portrait, k in seen if k == index)
        pairs = _pair(chosen, clips, known, OTHERS if name == "train" else 0)
        path = out / "pairs" / f"face_speech_{name}{ENDING}"
        write_table(path, ("face", "cut", "person"), _counted(pairs, count, name))
    return {"faces": _count(census, split), "pairs": {"face_speech": dict(count)}}


def read_portraits(shards: Sequence[Path]) -> Iterator[Seen]:
    """Yield the portraits of shards, one after the other."""
    for folder in shards:
        with (folder / PORTRAITS).open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                corpus, gender, clip = row["corpus"], row["gender"] or "", row.get("clip")
                yield Seen(
                    row["person"], row["face"], f"{corpus}-{clip}" if clip else "", corpus, gender
                )


def take_census(shards: Sequence[Path]) -> FaceCensus:
    """Go through the portraits of all shards once."""
    person, stratum = array("Q"), array("i")
    places: dict[tuple[str, str], int] = {}
    for seen in read_portraits(shards):
        person.append(key_of(seen.person))
        stratum.append(places.setdefault((seen.corpus, seen.gender), len(places)))
    return FaceCensus(np.array(person, np.uint64), np.array(stratum, np.int32), list(places))


def split_faces(census: FaceCensus, speakers: Mapping[str, str]) -> np.ndarray:
    """The split of each portrait, int8 (n,), a place in `SPLITS`: that of the person's voice.

    Args:
        census: n portraits.
        speakers: Speaker -> split. Who is not among them is split here, within corpus and gender.
    """
    people, first, number = np.unique(census.person, return_index=True, return_inverse=True)
    split = np.full(len(people), -1, np.int8)
    heard = np.array([key_of(name) for name in speakers], np.uint64)
    codes = np.array([SPLITS.index(name) for name in speakers.values()], np.int8)
    place = np.searchsorted(people, heard).clip(max=len(people) - 1)
    there = people[place] == heard
    split[place[there]] = codes[there]
    unheard = split < 0
    split[unheard] = split_keys(people[unheard], census.stratum[first][unheard])
    return split[number]


def _read_clips(shards: Sequence[Path]) -> dict[str, list[str]]:
    """Speaker -> usable clips, by the order of their hashes."""
    clips: dict[str, list[str]] = defaultdict(list)
    for folder in shards:
        with (folder / ROWS).open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                clips[row["speaker"]].append(row["id"])
    return {speaker: sorted(of, key=digest_of) for speaker, of in clips.items()}


def _pair(
    seen: Iterable[Seen], clips: Mapping[str, Sequence[str]], known: set[str], others: int
) -> Iterator[tuple[str, str, str]]:
    """Yield (face, cut, person)."""
    for face in seen:
        if face.clip in known:
            yield face.face, face.clip, face.person
        heard = clips.get(face.person, ())
        start = int.from_bytes(digest_of(face.face)[:8])
        around = [heard[(start + k) % len(heard)] for k in range(min(others + 1, len(heard)))]
        for cut in [cut for cut in around if cut != face.clip][:others]:
            yield face.face, cut, face.person


def _counted(
    rows: Iterator[tuple[str, str, str]], count: Counter[str], name: str
) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        count[name] += 1
        yield row


def _count(census: FaceCensus, split: np.ndarray) -> dict[str, Any]:
    """Count for the report: corpus -> split -> {faces, people}."""
    corpora = np.array([corpus for corpus, _ in census.strata])
    counts: dict[str, dict[str, Any]] = defaultdict(dict)
    for corpus in np.unique(corpora).tolist():
        of_corpus = np.isin(census.stratum, np.flatnonzero(corpora == corpus))
        for index, name in enumerate(SPLITS):
            person = census.person[of_corpus & (split == index)]
            if len(person):
                counts[corpus][name] = {"faces": len(person), "people": len(np.unique(person))}
    return dict(counts)
