"""Face crops as tensors: reading, augmentation, and the data module that trains a face backbone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mmtts import InputError
from mmtts.data.columns import Rows
from mmtts.data.frozen import Table, read_teacher
from mmtts.data.pair_sampling import epoch_loader
from mmtts.data.pair_tables import Face, read_faces
from mmtts.data.table_files import table_path


class FaceImageBatch(NamedTuple):
    """Crops of single faces.

    Attributes:
        face: (B, 3, H, W) in [-1, 1].
        teacher: (B, K) face teacher's embeddings.
        person: int64 (B,).
        ids: face paths.
    """

    face: Tensor
    teacher: Tensor
    person: Tensor
    ids: list[str]


def read_crop(path: Path) -> np.ndarray:
    """Read an aligned crop: RGB uint8 (H, W, 3).

    Raises:
        InputError: The file is missing or is no picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read the face {path}: {error}") from error


def read_crops(folder: Path, faces: Sequence[str]) -> Tensor:
    """Read crops of one size as images (B, 3, H, W) in [-1, 1].

    Raises:
        InputError: A file cannot be read or has another size.
    """
    crops = [read_crop(folder / face) for face in faces]
    for face, crop in zip(faces, crops, strict=True):
        if crop.shape != crops[0].shape:
            raise InputError(f"the face {face} is {crop.shape[:2]}, not {crops[0].shape[:2]}")
    pixels = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
    return pixels.float() / 127.5 - 1.0


def augment(images: Tensor) -> Tensor:
    """Mirror, shift, turn, scale, grey, light, blur: the same face under other circumstances.

    Args:
        images: (B, 3, H, W) in [-1, 1].

    Returns:
        The same shape and range, each image changed in its own way by torch's global generator.
    """
    n, device = images.shape[0], images.device

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, device=device)

    mirror = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
    angle, scale = uniform(-0.12, 0.12), uniform(0.88, 1.1)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    rows = [
        mirror * cosine,
        -sine,
        uniform(-0.08, 0.08),
        mirror * sine,
        cosine,
        uniform(-0.08, 0.08),
    ]
    grid = F.affine_grid(
        torch.stack(rows, 1).view(n, 2, 3), list(images.shape), align_corners=False
    )
    x = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    grey = (torch.rand(n, 1, 1, 1, device=device) < 0.3).to(x.dtype)
    x = torch.lerp(x, x.mean(1, keepdim=True).expand_as(x), grey)
    # A third of the crops lose their detail, as a small or moving face does.
    blurred = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, stride=1)
    x = torch.lerp(x, blurred, (uniform(-2.0, 1.0).clamp(min=0))[:, None, None, None])
    x = x * uniform(0.7, 1.3)[:, None, None, None] + uniform(-0.25, 0.25)[:, None, None, None]
    return x.clamp(-1.0, 1.0)


class FaceImageDataset(Dataset[FaceImageBatch]):
    """Loads a whole batch of crops for a list of indices."""

    def __init__(
        self, folder: Path, faces: Rows[Face], teacher: Table, persons: dict[str, int]
    ) -> None:
        self.folder, self.faces = folder, faces.column("face")
        self.teacher = teacher.along(self.faces)
        person = faces.column("person").each(persons.__getitem__, np.int64)
        self.person = torch.from_numpy(person)

    def __len__(self) -> int:
        """Count the crops."""
        return len(self.faces)

    def __getitem__(self, indices: list[int]) -> FaceImageBatch:
        """Load the crops of these indices."""
        ids = list(self.faces.take(indices))
        teacher = torch.from_numpy(self.teacher.take(indices))
        return FaceImageBatch(read_crops(self.folder, ids), teacher, self.person[indices], ids)


class FaceImages(lightning.LightningDataModule):
    """All faces of a prepared folder that the face teacher knows, by split.

    Args:
        folder: Prepared data folder.
        batch_size: Crops in a batch.
        seed: Of the order.
        num_workers: Loader processes.

    Attributes:
        n_people: After setup: number of training people; their `person` is below it.
    """

    def __init__(
        self, folder: str, batch_size: int = 128, seed: int = 0, num_workers: int = 0
    ) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.batch_size, self.seed, self.num_workers = batch_size, seed, num_workers
        self.n_people = self.teacher_dim = 0
        self._sets: dict[str, FaceImageDataset] = {}

    def setup(self, stage: str) -> None:
        """Read the tables.

        Raises:
            InputError: There is no face teacher, or no face of a split.
        """
        if self._sets:
            return
        teacher = read_teacher(self.folder)
        if teacher is None:
            raise InputError(
                f"{self.folder} has no face_teacher.npz for the backbone to learn from; prepare "
                "the data again with a face teacher, or go without this stage: stage=2 "
                "model=face_encoder_facenet"
            )
        faces = read_faces(self.folder)
        faces = faces.take(faces.column("face").each({*teacher.ids}.__contains__, bool))
        by_split = {
            split: faces.take(faces.column("split").each(split.__eq__, bool))
            for split in ("train", "valid")
        }
        persons: dict[str, int] = {}
        for split, members in by_split.items():
            if not len(members):
                path = table_path(self.folder, "faces")
                raise InputError(f"{path} has no {split} face with an embedding")
            person = members.column("person")
            for name in person.take(person.first_rows()):
                persons.setdefault(name, len(persons))
        self.n_people = len(by_split["train"].column("person").distinct())
        self.teacher_dim = teacher.values.shape[1]
        self._sets = {
            split: FaceImageDataset(self.folder, members, teacher, persons)
            for split, members in by_split.items()
        }

    def train_dataloader(self) -> DataLoader:
        """Training crops in a new order each epoch."""
        return epoch_loader(self, self._sets["train"], shuffle=True)

    def val_dataloader(self) -> DataLoader:
        """Validation crops in the order of the table."""
        return epoch_loader(self, self._sets["valid"], shuffle=False)
