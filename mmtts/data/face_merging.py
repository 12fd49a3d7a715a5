"""Merging portraits of shards: the table of faces, and which of them go with which clips."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from mmtts.data.prepared import write_table
from mmtts.data.shard_folders import PORTRAITS, ROWS, digest_of
from mmtts.data.splits import SPLITS, split_people

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


def merge_faces(out: Path, shards: Sequence[Path], speakers: Mapping[str, str]) -> dict[str, Any]:
    """Write `faces.csv` and `pairs/face_speech_{split}.csv` of all shards that have portraits.

    In training a face goes with the clip of its own moment and with `OTHERS` more of the person,
    drawn by hashes; for validation and test with the former alone, so that every recording counts
    once. All portraits are in memory, about 400 bytes each.

    Args:
        out: The prepared folder.
        shards: Folders of finished shards, of any corpora.
        speakers: Speaker -> split. Who is seen and never heard is split here.

    Returns:
        For the report: `faces`, corpus -> split -> {faces, people}; `pairs`, `face_speech` ->
        split -> rows. Empty where no shard has portraits; nothing is written then.
    """
    shards = [folder for folder in shards if (folder / PORTRAITS).exists()]
    seen = sorted(_read_portraits(shards))
    if not seen:
        return {}
    unheard = {s.person: f"{s.corpus} {s.gender}" for s in seen if s.person not in speakers}
    split = {**split_people(unheard), **speakers}
    rows = ((s.face, s.person, split[s.person], s.gender, "", "") for s in seen)
    write_table(out / f"faces{ENDING}", _COLUMNS, rows)

    clips = _read_clips(shards)
    count: Counter[str] = Counter()
    for name in SPLITS:
        chosen = (s for s in seen if split[s.person] == name)
        pairs = _pair(chosen, clips, OTHERS if name == "train" else 0)
        path = out / "pairs" / f"face_speech_{name}{ENDING}"
        write_table(path, ("face", "cut", "person"), _counted(pairs, count, name))
    return {"faces": _count(seen, split), "pairs": {"face_speech": dict(count)}}


def _read_portraits(shards: Sequence[Path]) -> Iterator[Seen]:
    for folder in shards:
        with (folder / PORTRAITS).open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                corpus, gender = row["corpus"], row["gender"] or ""
                clip = f"{corpus}-{row['clip']}"
                yield Seen(row["person"], row["face"], clip, corpus, gender)


def _read_clips(shards: Sequence[Path]) -> dict[str, list[str]]:
    """Speaker -> usable clips, by the order of their hashes."""
    clips: dict[str, list[str]] = defaultdict(list)
    for folder in shards:
        with (folder / ROWS).open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                clips[row["speaker"]].append(row["id"])
    return {speaker: sorted(of, key=digest_of) for speaker, of in clips.items()}


def _pair(
    seen: Iterator[Seen], clips: Mapping[str, Sequence[str]], others: int
) -> Iterator[tuple[str, str, str]]:
    """Yield (face, cut, person), the person's portraits one after the other."""
    for person, portraits in groupby(seen, key=lambda portrait: portrait.person):
        heard = clips.get(person, ())
        known = set(heard)
        for portrait in portraits:
            if portrait.clip in known:
                yield portrait.face, portrait.clip, person
            start = int.from_bytes(digest_of(portrait.face)[:8])
            around = [heard[(start + k) % len(heard)] for k in range(min(others + 1, len(heard)))]
            for cut in [cut for cut in around if cut != portrait.clip][:others]:
                yield portrait.face, cut, person


def _counted(
    rows: Iterator[tuple[str, str, str]], count: Counter[str], name: str
) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        count[name] += 1
        yield row


def _count(seen: Sequence[Seen], split: Mapping[str, str]) -> dict[str, Any]:
    """Count for the report: corpus -> split -> {faces, people}."""
    faces = Counter((s.corpus, split[s.person]) for s in seen)
    people = Counter((s[0], split[s[1]]) for s in {(s.corpus, s.person) for s in seen})
    counts: dict[str, dict[str, Any]] = defaultdict(dict)
    for (corpus, name), number in sorted(faces.items()):
        counts[corpus][name] = {"faces": number, "people": people[corpus, name]}
    return dict(counts)
