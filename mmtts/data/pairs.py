"""Face-speech pairs as batches for stage 2.

The data module reads the table; what frozen networks say about the items is computed once by the
stage and handed over as `Table`s, so that an epoch costs only the networks that learn.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.face_images import read_crops
from mmtts.data.folds import hold_out
from mmtts.data.frozen import Table
from mmtts.data.pair_sampling import epoch_loader
from mmtts.data.pair_tables import Face, FaceSpeechPair, read_face_speech, read_faces

SPLITS = ("train", "valid")
TABLES = ("train", "valid", "test")
BLOCK = 1024  # pairs of a split that are looked at together
_log = logging.getLogger(__name__)


class FaceSpeechBatch(NamedTuple):
    """Faces and clips, row by row of the same person.

    Attributes:
        face: (B, 3, H, W) in [-1, 1]; None when the backbone is frozen.
        features: (B, F) of the frozen backbone; None when it learns.
        unseen: (B, S) z_f by an encoder that never saw the person; None where there is none.
        other_features: (U, F) of faces without a voice; None without any.
        other_teacher: (U, K) face teacher's embeddings of these.
        style: (B, D) speech style of the clip, unit norm.
        face_teacher: (B, K); None without a face teacher.
        person: int64 (B,); training people come first.
        gender: int64 (B,), -1 = unknown.
        ids: face paths.
    """

    face: Tensor | None
    features: Tensor | None
    unseen: Tensor | None
    other_features: Tensor | None
    other_teacher: Tensor | None
    style: Tensor
    face_teacher: Tensor | None
    person: Tensor
    gender: Tensor
    ids: list[str]


class Others(NamedTuple):
    """Faces without a voice.

    Attributes:
        per_batch: How many of them go into a batch.
        features: (m, F) of the frozen backbone.
        teacher: (m, K) face teacher's embeddings.
    """

    per_batch: int
    features: Tensor
    teacher: Tensor


class FaceSpeechDataset(Dataset[FaceSpeechBatch]):
    """Builds a whole batch for a list of row numbers."""

    def __init__(
        self,
        folder: Path,
        pairs: Sequence[FaceSpeechPair],
        person: np.ndarray,
        gender: np.ndarray,
        style: np.ndarray,
        features: np.ndarray | None,
        teacher: np.ndarray | None,
        others: Others | None = None,
        unseen: Tensor | None = None,
    ) -> None:
        self.folder, self.pairs = folder, list(pairs)
        self.person, self.gender = torch.from_numpy(person), torch.from_numpy(gender)
        self.style = torch.from_numpy(style)
        self.features = None if features is None else torch.from_numpy(features)
        self.teacher = None if teacher is None else torch.from_numpy(teacher)
        self.others, self.unseen = others, unseen

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.pairs)

    def __getitem__(self, rows: list[int]) -> FaceSpeechBatch:
        """Build the batch of these rows; one of a face's cached views is drawn at random."""
        ids = [self.pairs[k].face for k in rows]
        features = None
        if self.features is not None:
            view = torch.randint(self.features.shape[1], (len(rows),))
            features = self.features[torch.tensor(rows), view]
        others: tuple[Tensor | None, Tensor | None] = (None, None)
        if self.others is not None:
            drawn = torch.randint(len(self.others.features), (self.others.per_batch,))
            others = self.others.features[drawn], self.others.teacher[drawn]
        return FaceSpeechBatch(
            face=read_crops(self.folder, ids) if features is None else None,
            features=features,
            unseen=None if self.unseen is None else self.unseen[rows],
            other_features=others[0],
            other_teacher=others[1],
            style=self.style[rows],
            face_teacher=None if self.teacher is None else self.teacher[rows],
            person=self.person[rows],
            gender=self.gender[rows],
            ids=ids,
        )


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

    Attributes:
        people: After setup: training people, in the order of their class numbers.
        pairs: After setup: split -> pairs.
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
    ) -> None:
        super().__init__()
        if folds and (folds < 2 or not 0 <= fold < folds):
            raise InputError(f"fold {fold} of {folds} folds is none; count from 0, of 2 or more")
        self.folder, self.folds, self.fold = Path(folder), folds, fold
        self.batch_size, self.seed, self.num_workers = batch_size, seed, num_workers
        self.others = others
        self.people: list[str] = []
        self.pairs: dict[str, list[FaceSpeechPair]] = {}
        self._faces: list[Face] = []
        self._sets: dict[str, FaceSpeechDataset] = {}

    def setup(self, stage: str) -> None:
        """Read the tables.

        Raises:
            InputError: A split has no pairs, or shares a person with another one.
        """
        if self.pairs:
            return
        self.pairs = {split: read_face_speech(self.folder, split) for split in self.tables}
        if self.folds:
            everyone = [pair for pairs in self.pairs.values() for pair in pairs]
            self.pairs = hold_out(everyone, self.folds, self.fold, self.seed)
        for split, pairs in self.pairs.items():
            if not pairs:
                raise InputError(f"{self.folder}/pairs/face_speech_{split}.csv has no pairs")
        people = {split: {p.person for p in pairs} for split, pairs in self.pairs.items()}
        if shared := people["train"] & people["valid"]:
            raise InputError(f"{min(shared)!r} has training and validation pairs; split by person")
        self._faces = read_faces(self.folder)
        self.people = sorted(people["train"])
        self._number = {p: k for k, p in enumerate([*self.people, *sorted(people["valid"])])}

    @property
    def tables(self) -> tuple[str, ...]:
        """Splits of the prepared folder whose people take part."""
        return TABLES if self.folds else SPLITS

    def paired_faces(self) -> list[str]:
        """Distinct faces of all pairs, sorted; the same in every fold."""
        return sorted({pair.face for pairs in self.pairs.values() for pair in pairs})

    def known_faces(self) -> list[Face]:
        """Faces, with or without a voice, of nobody who is held out."""
        held_out = {pair.person for pair in self.pairs["valid"]}
        splits, mine = self.tables if self.folds else ("train",), set(self.people)
        return [
            face
            for face in self._faces
            if face.person not in held_out and (face.person in mine or face.split in splits)
        ]

    def keep_taught(self, teacher: Table) -> None:
        """Leave out the pairs whose face the teacher could not see.

        Raises:
            InputError: The teacher saw no face of a split.
        """
        self.pairs = {s: _with_teacher(pairs, teacher, s) for s, pairs in self.pairs.items()}

    def genders(self) -> dict[str, str]:
        """Person -> gender, of those in pairs whose gender is known."""
        return {f.person: f.gender for f in self._faces if f.gender}

    def attach(
        self,
        style: Table,
        features: Table | None,
        teacher: Table | None,
        views: int = 1,
        others: Table | None = None,
        unseen: Tensor | None = None,
    ) -> None:
        """Take what the frozen networks say about the items; the loaders need it.

        Args:
            style: z_s by cut id, (n, D).
            features: Backbone features by face, (n, V, F), view 0 the clean one; None when the
                backbone learns and needs the pictures.
            teacher: Face teacher's embeddings by face, see `keep_taught`; None without a teacher.
            views: How many of the V views training draws from.
            others: Features (m, 1, F) of faces without a voice, by face.
            unseen: z_f (n, S) of the training pairs by an encoder that never saw the person.
        """
        gender = {face.face: face.gender for face in self._faces}
        codes = {name: k for k, name in enumerate(ATTRIBUTES["gender"])}
        for split, pairs in self.pairs.items():
            faces = [pair.face for pair in pairs]
            seen = None if features is None else features.take(faces)
            if seen is not None:
                seen = seen[:, : views if split == "train" else 1]
            self._sets[split] = FaceSpeechDataset(
                self.folder,
                pairs,
                np.array([self._number[pair.person] for pair in pairs], np.int64),
                np.array([codes.get(gender.get(face, ""), -1) for face in faces], np.int64),
                style.take(pair.cut for pair in pairs),
                seen,
                None if teacher is None else teacher.take(faces),
                self._others(others, teacher) if split == "train" else None,
                unseen if split == "train" else None,
            )

    def _others(self, features: Table | None, teacher: Table | None) -> Others | None:
        """The faces without a voice that the teacher knows."""
        if not self.others or features is None or teacher is None:
            return None
        known = set(teacher.ids)
        faces = [face for face in features.ids if face in known]
        if not faces:
            return None
        seen = torch.from_numpy(features.take(faces)[:, 0])
        return Others(self.others, seen, torch.from_numpy(teacher.take(faces)))

    def blocks_of(self, split: str) -> Iterator[FaceSpeechBatch]:
        """All pairs of a split in their order, not too many at once."""
        rows = range(len(self._sets[split]))
        return (self._sets[split][list(rows[k : k + BLOCK])] for k in rows[::BLOCK])

    def train_dataloader(self) -> DataLoader:
        """Training pairs in a new order each epoch."""
        return epoch_loader(self, self._sets["train"], shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """Validation pairs in the order of the table."""
        return epoch_loader(self, self._sets["valid"], shuffle=False)


def _with_teacher(pairs: list[FaceSpeechPair], teacher: Table, split: str) -> list[FaceSpeechPair]:
    """Leave out the pairs whose face the teacher could not see, and name them.

    Raises:
        InputError: The teacher saw none of the faces.
    """
    known = set(teacher.ids)
    absent = sorted({pair.face for pair in pairs if pair.face not in known})
    if absent:
        _log.warning("%s: %d faces have no %s: %s", split, len(absent), teacher.name, absent[:5])
    kept = [pair for pair in pairs if pair.face in known]
    if not kept:
        raise InputError(
            f"no face of {split!r} has a {teacher.name}; prepare the data folder again"
        )
    return kept
