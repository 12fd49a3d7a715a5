"""Clips sampled at load time: each face meets one clip of its person in an epoch, not all.

All faces of a person with all clips are a table that grows with the product of both. Drawn here,
an epoch is as long as there are faces, and after enough epochs every face has met every clip.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.data.columns import Rows, Strings
from mmtts.data.folds import own_recordings
from mmtts.data.pair_tables import FaceSpeechPair, check_paths
from mmtts.data.table_files import read_columns, table_path


class PersonClip(NamedTuple):
    """A clip, and whose it is."""

    cut: str
    person: str


class ClipDraws:
    """Which clip of its person a face gets, by seed, epoch and face alone.

    A face goes round the clips of its person: as many epochs as there are clips bring each once,
    then it begins elsewhere. So nothing is kept from one epoch to the next, and every process and
    every loader's worker draws the same.

    Args:
        people: Of n faces.
        clips: Of all these people.
        seed: Of the draws.

    Raises:
        InputError: A face's person has no clip.
    """

    def __init__(self, people: Strings, clips: Rows[PersonClip], seed: int) -> None:
        owners = clips.column("person")
        place = {owners.values[k]: k for k in owners.used().tolist()}
        person = people.each(lambda name: place.get(name, -1), np.int64)
        if (person < 0).any():
            name = people[int((person < 0).argmax())]
            raise InputError(
                f"{name!r} has a face and no clip to go with it; prepare the data folder again"
            )
        counts = np.bincount(owners.codes, minlength=len(owners.values))
        self._clips = np.argsort(owners.codes, kind="stable").astype(np.int32)
        self._first = (counts.cumsum() - counts)[person]
        self._count = counts[person]
        self._seed = seed

    def at(self, epoch: int, rows: np.ndarray | list[int]) -> np.ndarray:
        """Draw for these faces in an epoch: row numbers of the clips, (B,)."""
        faces = np.asarray(rows, np.int64)
        count = self._count[faces]
        start = _mixed(self._seed, faces, epoch // count) % count.astype(np.uint64)
        return self._clips[self._first[faces] + (start.astype(np.int64) + epoch) % count]


def _mixed(seed: int, *numbers: np.ndarray) -> np.ndarray:
    """Hash integers (n,) into uint64 (n,) that look random: SplitMix64 (Steele et al. 2014)."""
    x = np.full(len(numbers[0]), seed % 2**64, np.uint64)
    for values in numbers:
        x = x * np.uint64(0x9E3779B97F4A7C15) + values.astype(np.uint64) + np.uint64(1)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def read_sampled(
    folder: Path, split: str, seed: int
) -> tuple[Rows[FaceSpeechPair], Rows[PersonClip]]:
    """Read faces with their people, and the clips of these.

    `pairs/face_speech_<split>` needs no column `cut` here; without it the clips are in
    `pairs/clips_<split>` (`cut`, `person`), and each face is given one of them.

    Args:
        folder: Prepared data folder.
        split: Which tables.
        seed: Of the clip that a face is given.

    Returns:
        The pairs of the table, or one for each face; and the clips by person, each once.

    Raises:
        InputError: A table is missing or broken.
    """
    path = table_path(folder, f"pairs/face_speech_{split}")
    columns = read_columns(path, ("face", "person"), ("cut",))
    face, person, cut = (columns[name] for name in ("face", "person", "cut"))
    check_paths(path, face)
    if any(cut.values[k] for k in cut.used().tolist()):
        pairs = Rows(FaceSpeechPair, [face, cut, person])
        return pairs, Rows(PersonClip, [cut, person]).take(cut.first_rows())
    clips_path = table_path(folder, f"pairs/clips_{split}")
    clips = Rows(PersonClip, read_columns(clips_path, PersonClip._fields).values())
    clips = clips.take(clips.column("cut").first_rows())
    kept = face.first_rows()
    face, person = face.take(kept), person.take(kept)
    drawn = ClipDraws(person, clips, seed).at(0, np.arange(len(face)))
    return Rows(FaceSpeechPair, [face, clips.column("cut").take(drawn), person]), clips


def one_of_each_face(pairs: Rows[FaceSpeechPair]) -> Rows[FaceSpeechPair]:
    """Keep one pair of each face, that of its own recording where there is one."""
    ordered = own_recordings(pairs)
    return ordered.take(ordered.column("face").first_rows())
