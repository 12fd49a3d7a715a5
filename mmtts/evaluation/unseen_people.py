"""The people of a prepared folder who took no part in training, with their clips and faces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.attributes import age_group, read_thresholds
from mmtts.data.cuts import Clip, manifests, read_clips
from mmtts.data.pair_tables import (
    Face,
    PromptPairs,
    has_prompts,
    read_face_speech,
    read_faces,
    read_loudness,
    read_prompts,
)
from mmtts.data.table_files import table_path

SHORTEST_SECONDS = 1.0  # too little is said in less to know a voice by


@dataclass(frozen=True)
class Pair:
    """A face and a clip of one person."""

    person: str
    face: Path
    clip: Clip


class UnseenPeople:
    """Reads a split of a prepared data folder.

    Args:
        folder: The prepared data folder.
        split: Whose people; "test" as a rule.
        seed: Of every choice among them.
        accent: Only clips of this accent, such as "native".

    Raises:
        InputError: The folder holds no such speech of that split.
    """

    def __init__(
        self, folder: Path, split: str = "test", seed: int = 0, accent: str | None = None
    ) -> None:
        self.folder, self.split, self.seed, self.accent = folder, split, seed, accent
        clips = [clip for clip in read_clips(folder, split) if clip.seconds >= SHORTEST_SECONDS]
        self.clips = {clip.id: clip for clip in clips if accent in (None, clip.accent)}
        if not self.clips:
            kind = f" of the accent {accent!r}" if accent else ""
            raise InputError(
                f"{folder} has no clip{kind} of a second or more in its {split} split; "
                "prepare more data"
            )
        self._known = _supervisions(folder, split)

    def rng(self, what: str) -> np.random.Generator:
        """A source of chance that depends only on the seed and on what it is for."""
        return np.random.default_rng([self.seed, *what.encode()])

    @cached_property
    def training(self) -> UnseenPeople:
        """The people of the same folder who were trained on: baselines and means come from them."""
        return UnseenPeople(self.folder, "train", self.seed, self.accent)

    @cached_property
    def genders(self) -> dict[str, str]:
        """Person -> gender, of speakers and of faces, where it is known."""
        found = {clip.speaker: self._known[clip.id].gender for clip in self.clips.values()}
        faces = {f.person: f.gender for f in self._faces if f.split == self.split}
        return {p: str(g) for p, g in {**faces, **found}.items() if g in ("female", "male")}

    @cached_property
    def heard_genders(self) -> dict[str, str]:
        """The same without children: their voices do not tell it."""
        known = [self._known[clip_id] for clip_id in self.clips]
        ages = {s.speaker: (s.custom or {}).get("age") for s in known}
        ages |= {face.person: float(face.age) for face in self._faces if face.age}
        return {p: g for p, g in self.genders.items() if age_group(ages.get(p)) != "child"}

    @cached_property
    def corpora(self) -> dict[str, int]:
        """Corpus -> number of clips."""
        counts: dict[str, int] = defaultdict(int)
        for clip_id in self.clips:
            supervision = self._known[clip_id]
            counts[str((supervision.custom or {}).get("corpus", "unnamed"))] += 1
        return dict(sorted(counts.items()))

    @cached_property
    def thresholds(self) -> dict[str, Any]:
        """Bins of pitch, pace and loudness, learned from the training clips; empty when absent."""
        return read_thresholds(self.folder)

    @cached_property
    def loudness(self) -> dict[str, float]:
        """Cut id -> loudness relative to its corpus in dB, where it is known."""
        return read_loudness(self.folder, self.split)

    @cached_property
    def _faces(self) -> Sequence[Face]:
        return read_faces(self.folder) if table_path(self.folder, "faces").exists() else []

    @cached_property
    def clips_of(self) -> dict[str, list[Clip]]:
        """Person -> clips, in the order of their ids."""
        found: dict[str, list[Clip]] = defaultdict(list)
        for _, clip in sorted(self.clips.items()):
            found[clip.speaker].append(clip)
        return dict(found)

    def another_clip(self, clip: Clip) -> Clip | None:
        """Another clip of the same speaker; None if there is none."""
        usable = [other for other in self.clips_of[clip.speaker] if other.id != clip.id]
        rng = self.rng(f"reference {clip.id}")
        return usable[int(rng.integers(len(usable)))] if usable else None

    def spread(self, clips: Iterable[Clip], limit: int, what: str) -> list[Clip]:
        """Choose up to `limit` clips with all speakers as evenly present as possible."""
        rng = self.rng(what)
        by_speaker: dict[str, list[Clip]] = defaultdict(list)
        for clip in sorted(clips, key=lambda clip: clip.id):
            by_speaker[clip.speaker].append(clip)
        queues = [[c[i] for i in rng.permutation(len(c))] for c in by_speaker.values()]
        queues = [queues[i] for i in rng.permutation(len(queues))]
        chosen: list[Clip] = []
        while any(queues) and len(chosen) < limit:
            chosen += [queue.pop() for queue in queues if queue]
        return chosen[:limit]

    def all_face_pairs(self) -> list[Pair]:
        """Every pair of a face and a clip, in the order of the table."""
        if not table_path(self.folder, f"pairs/face_speech_{self.split}").exists():
            return []
        return [
            Pair(row.person, self.folder / row.face, self.clips[row.cut])
            for row in read_face_speech(self.folder, self.split)
            if row.cut in self.clips
        ]

    def face_pairs(self, limit: int | None = None) -> list[Pair]:
        """One face and one clip of each person who has both, in a random but seeded order."""
        rows: dict[str, list[Pair]] = defaultdict(list)
        for pair in self.all_face_pairs():
            rows[pair.person].append(pair)
        rng = self.rng("face pairs")
        chosen = [found[int(rng.integers(len(found)))] for _, found in sorted(rows.items())]
        return [chosen[i] for i in rng.permutation(len(chosen))][:limit]

    def prompts(self) -> PromptPairs | None:
        """Prompts of the split and the clips they fit; None when there are none."""
        if not has_prompts(self.folder, self.split, "speech"):
            return None
        found = read_prompts(self.folder, self.split, "speech")
        return found if len(found.prompts) else None


def training_clips(folder: Path, limit: int, seed: int) -> tuple[list[Clip], list[str]]:
    """Clips of training people whose gender is known and heard, one each, and those genders."""
    people = UnseenPeople(folder, "train", seed)
    firsts = {person: clips[0] for person, clips in people.clips_of.items()}
    known = [clip for person, clip in firsts.items() if person in people.heard_genders]
    chosen = people.spread(known, limit, "probe")
    return chosen, [people.heard_genders[clip.speaker] for clip in chosen]


def _supervisions(folder: Path, split: str) -> dict[str, Any]:
    """Cut id -> its Lhotse supervision."""
    from lhotse import CutSet

    paths = manifests(folder, split)
    return {cut.id: cut.supervisions[0] for path in paths for cut in CutSet.from_file(path)}
