"""Face-speech pairs as batches for stage 2.

The data module reads the table; what frozen networks say about the items is computed once by the
stage and handed over as `Table`s, so that an epoch costs only the networks that learn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import lightning
import numpy as np
from torch.utils.data import DataLoader

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.clip_sampling import ClipDraws, PersonClip, one_of_each_face, read_sampled
from mmtts.data.columns import Rows, Strings
from mmtts.data.folds import hold_out
from mmtts.data.frozen import Table
from mmtts.data.pair_batches import FaceSpeechBatch, FaceSpeechDataset, Others, Styles
from mmtts.data.pair_sampling import epoch_loader
from mmtts.data.pair_tables import Face, FaceSpeechPair, read_face_speech, read_faces
from mmtts.data.table_files import table_path

SPLITS = ("train", "valid")
TABLES = ("train", "valid", "test")
BLOCK = 1024  # pairs of a split that are looked at together
CLIPS = ("all", "sampled")
_log = logging.getLogger(__name__)


class FaceSpeechData(lightning.LightningDataModule):
    """Face-speech pairs of a prepared folder.

    With folds the people of all three tables are dealt anew: those of one fold are held out in
    place of the validation people, each recording once, and all others are trained on.

    Args:
        folder: Prepared data folder.
        batch_size: Pairs in a batch.
        seed: Of the order.
        num_workers: Loader processes; 0 is fastest while the features are cached.
        folds: K of the cross validation over people; 0 for the tables as they are.
        fold: Which of the K is held out.
        others: Faces without a voice in a training batch, for the face teacher to teach.
        clips: "all" trains on the pairs of the table; "sampled" on each of its faces once in an
            epoch, with a clip of the person that is drawn anew every time.

    Attributes:
        people: After setup: training people, in the order of their class numbers.
        pairs: After setup: split -> pairs; those of sampled clips have one of the person's clips.
    """

    def __init__(
        self,
        folder: str,
        batch_size: int = 256,
        seed: int = 0,
        num_workers: int = 0,
        folds: int = 0,
        fold: int = 0,
        others: int = 0,
        clips: str = "all",
    ) -> None:
        super().__init__()
        if clips not in CLIPS:
            raise InputError(f"stage.data.clips must be one of {CLIPS}, not {clips!r}")
        if folds and (folds < 2 or not 0 <= fold < folds):
            raise InputError(f"fold {fold} of {folds} folds is none; count from 0, of 2 or more")
        self.folder, self.folds, self.fold = Path(folder), folds, fold
        self.batch_size, self.seed, self.num_workers = batch_size, seed, num_workers
        self.others, self.clips = others, clips
        self.people: list[str] = []
        self.pairs: dict[str, Rows[FaceSpeechPair]] = {}
        self._clips: Rows[PersonClip] | None = None
        self._sets: dict[str, FaceSpeechDataset] = {}

    def setup(self, stage: str) -> None:
        """Read the tables.

        Raises:
            InputError: A split has no pairs, or shares a person with another one.
        """
        if self.pairs:
            return
        self.pairs = self._read()
        if self.folds:
            everyone = Rows.joined(list(self.pairs.values()))
            self.pairs = hold_out(everyone, self.folds, self.fold, self.seed)
        for split, pairs in self.pairs.items():
            if not len(pairs):
                path = table_path(self.folder, f"pairs/face_speech_{split}")
                raise InputError(f"{path} has no pairs")
        if self._clips is not None:
            self.pairs["train"] = one_of_each_face(self.pairs["train"])
        people = {s: pairs.column("person").distinct() for s, pairs in self.pairs.items()}
        if shared := {*people["train"]} & {*people["valid"]}:
            raise InputError(f"{min(shared)!r} has training and validation pairs; split by person")
        self._faces = read_faces(self.folder)
        self.people = people["train"]
        self._number = {p: k for k, p in enumerate([*self.people, *people["valid"]])}

    def _read(self) -> dict[str, Rows[FaceSpeechPair]]:
        """The pairs of all tables, and where these are sampled, the clips."""
        if self.clips == "all":
            return {split: read_face_speech(self.folder, split) for split in self.tables}
        read = {split: read_sampled(self.folder, split, self.seed) for split in self.tables}
        self._clips = Rows.joined([clips for _, clips in read.values()])
        return {split: pairs for split, (pairs, _) in read.items()}

    @property
    def tables(self) -> tuple[str, ...]:
        """Splits of the prepared folder whose people take part."""
        return TABLES if self.folds else SPLITS

    def paired_faces(self) -> list[str]:
        """Distinct faces of all pairs, sorted; the same in every fold."""
        return Strings.joined([pairs.column("face") for pairs in self.pairs.values()]).distinct()

    def known_faces(self) -> Rows[Face]:
        """Faces, with or without a voice, of nobody who is held out."""
        held_out = {*self.pairs["valid"].column("person").distinct()}
        splits, mine = self.tables if self.folds else ("train",), {*self.people}
        person, split = self._faces.column("person"), self._faces.column("split")
        ours = person.each(mine.__contains__, bool) | split.each(splits.__contains__, bool)
        return self._faces.take(ours & ~person.each(held_out.__contains__, bool))

    def numbers(self, split: str) -> np.ndarray:
        """Number of each pair's person, int64 (n,): a training person's class."""
        return self.pairs[split].column("person").each(self._number.__getitem__, np.int64)

    def keep_taught(self, teacher: Table) -> None:
        """Leave out the pairs whose face the teacher could not see.

        Raises:
            InputError: The teacher saw no face of a split.
        """
        self.pairs = {s: _with_teacher(pairs, teacher, s) for s, pairs in self.pairs.items()}

    def genders(self) -> dict[str, str]:
        """Person -> gender, of those in pairs whose gender is known."""
        gender, person = self._faces.column("gender"), self._faces.column("person")
        known = gender.each(bool, bool)
        return dict(zip(person.take(known), gender.take(known), strict=True))

    def attach(
        self,
        style: Table,
        features: Table | None,
        teacher: Table | None,
        views: int = 1,
        others: Table | None = None,
        unseen: Table | None = None,
    ) -> None:
        """Take what the frozen networks say about the items; the loaders need it.

        Args:
            style: z_s by cut id, (n, D).
            features: Backbone features by face, (n, V, F), view 0 the clean one; None when the
                backbone learns and needs the pictures.
            teacher: Face teacher's embeddings by face, see `keep_taught`; None without a teacher.
            views: How many of the V views training draws from.
            others: Features (m, 1, F) of faces without a voice, by face.
            unseen: z_f (m, S) of the faces of training pairs, by an encoder that never saw the
                person.
        """
        gender = dict(zip(self._faces.column("face"), self._faces.column("gender"), strict=True))
        codes = {name: k for k, name in enumerate(ATTRIBUTES["gender"])}
        for split, pairs in self.pairs.items():
            faces, train = pairs.column("face"), split == "train"
            self._sets[split] = FaceSpeechDataset(
                self.folder,
                faces,
                self.numbers(split),
                faces.each(lambda face: codes.get(gender.get(face, ""), -1), np.int64),
                self._styles(style, pairs, train),
                None if features is None else features.along(faces),
                views if train else 1,
                None if teacher is None else teacher.along(faces),
                self._others(others, teacher) if train else None,
                unseen.along(faces) if train and unseen is not None else None,
            )

    def _styles(self, style: Table, pairs: Rows[FaceSpeechPair], train: bool) -> Styles:
        """Of the pairs' clips, or of all clips that sampling draws from."""
        if not train or self._clips is None:
            return Styles(style.along(pairs.column("cut")))
        people = {*pairs.column("person").distinct()}
        clips = self._clips.take(self._clips.column("person").each(people.__contains__, bool))
        draws = ClipDraws(pairs.column("person"), clips, self.seed)
        return Styles(style.along(clips.column("cut")), draws)

    def _others(self, features: Table | None, teacher: Table | None) -> Others | None:
        """The faces without a voice that the teacher knows."""
        if not self.others or features is None or teacher is None:
            return None
        known = set(teacher.ids)
        faces = Strings.of(face for face in features.ids if face in known)
        if not len(faces):
            return None
        return Others(self.others, features.view(0).along(faces), teacher.along(faces))

    def some_of(self, split: str, rows: Sequence[int] | np.ndarray) -> FaceSpeechBatch:
        """Some pairs of a split as one batch."""
        return self._sets[split][0, list(rows)]

    def blocks_of(
        self, split: str, rows: Sequence[int] | np.ndarray | None = None
    ) -> Iterator[FaceSpeechBatch]:
        """Some pairs of a split, by default all, in this order, not too many at once."""
        chosen = range(len(self._sets[split])) if rows is None else rows
        return (self.some_of(split, chosen[k : k + BLOCK]) for k in range(0, len(chosen), BLOCK))

    def train_dataloader(self) -> DataLoader:
        """Training pairs in a new order each epoch."""
        return epoch_loader(self, self._sets["train"], shuffle=True, numbered=True)

    def val_dataloader(self) -> DataLoader:
        """Validation pairs in the order of the table."""
        return epoch_loader(self, self._sets["valid"], shuffle=False, numbered=True)


def _with_teacher(pairs: Rows[FaceSpeechPair], teacher: Table, split: str) -> Rows[FaceSpeechPair]:
    """Leave out the pairs whose face the teacher could not see, and name them.

    Raises:
        InputError: The teacher saw none of the faces.
    """
    known = pairs.column("face").each({*teacher.ids}.__contains__, bool)
    absent = pairs.column("face").take(~known).distinct()
    if absent:
        _log.warning("%s: %d faces have no %s: %s", split, len(absent), teacher.name, absent[:5])
    if not known.any():
        raise InputError(
            f"no face of {split!r} has a {teacher.name}; prepare the data folder again"
        )
    return pairs.take(known)
