"""Batches of faces and clips for stage 2, taken from tables that are kept once."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmtts.data.clip_sampling import ClipDraws
from mmtts.data.columns import Strings
from mmtts.data.face_images import read_crops
from mmtts.data.frozen import Aligned


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
        features: Of the frozen backbone by face, (F,) each.
        teacher: Face teacher's embeddings, (K,) each.
    """

    per_batch: int
    features: Aligned
    teacher: Aligned


class Styles(NamedTuple):
    """The speech styles of pairs, or of clips among which each epoch draws.

    Attributes:
        clips: By pair; with draws by clip.
        draws: Which clip a pair has in an epoch; None where that never changes.
    """

    clips: Aligned
    draws: ClipDraws | None = None

    def take(self, epoch: int, rows: list[int]) -> np.ndarray:
        """Styles (B, D) of these pairs."""
        return self.clips.take(rows if self.draws is None else self.draws.at(epoch, rows))


class FaceSpeechDataset(Dataset[FaceSpeechBatch]):
    """Builds a whole batch for an epoch and a list of row numbers.

    Args:
        folder: Prepared data folder.
        faces: Of n pairs.
        person: int64 (n,).
        gender: int64 (n,), -1 = unknown.
        style: Of the pairs.
        features: Of the frozen backbone by pair, (V, F) each; None when it learns.
        views: How many of the V views are drawn from.
        teacher: Face teacher's embeddings by pair; None without one.
        others: Faces without a voice; None for none.
        unseen: z_f by pair, of an encoder that never saw the person; None where there is none.
    """

    def __init__(
        self,
        folder: Path,
        faces: Strings,
        person: np.ndarray,
        gender: np.ndarray,
        style: Styles,
        features: Aligned | None = None,
        views: int = 1,
        teacher: Aligned | None = None,
        others: Others | None = None,
        unseen: Aligned | None = None,
    ) -> None:
        self.folder, self.faces, self.style = folder, faces, style
        self.person, self.gender = torch.from_numpy(person), torch.from_numpy(gender)
        self.features, self.teacher, self.unseen = features, teacher, unseen
        self.views = views if features is None else min(views, features.values.shape[1])
        self.others = others

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.faces)

    def __getitem__(self, draw: tuple[int, list[int]]) -> FaceSpeechBatch:
        """Build the batch of these rows; one of a face's cached views is drawn at random."""
        epoch, rows = draw
        ids = list(self.faces.take(rows))
        features = None
        if self.features is not None:
            view = torch.randint(self.views, (len(rows),))
            features = torch.from_numpy(self.features.take(rows, view.numpy()))
        others: tuple[Tensor | None, Tensor | None] = (None, None)
        if self.others is not None:
            drawn = torch.randint(len(self.others.features.rows), (self.others.per_batch,)).numpy()
            others = _taken(self.others.features, drawn), _taken(self.others.teacher, drawn)
        return FaceSpeechBatch(
            face=read_crops(self.folder, ids) if features is None else None,
            features=features,
            unseen=_taken(self.unseen, rows),
            other_features=others[0],
            other_teacher=others[1],
            style=torch.from_numpy(self.style.take(epoch, rows)),
            face_teacher=_taken(self.teacher, rows),
            person=self.person[rows],
            gender=self.gender[rows],
            ids=ids,
        )


def _taken(table: Aligned | None, rows: list[int] | np.ndarray) -> Tensor | None:
    return None if table is None else torch.from_numpy(table.take(rows))
