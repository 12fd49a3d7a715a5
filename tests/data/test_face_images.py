"""Face crops: reading, augmentation, and the data module behind the face backbone."""

import shutil
from pathlib import Path

import pytest
import torch

from mmtts import InputError
from mmtts.data.face_images import FaceImages, augment, read_crops


def test_crops_are_images_between_minus_one_and_one(prepared: Path) -> None:
    faces = [f"faces/hum-00-{name}.png" for name in ("neutral", "happy")]
    images = read_crops(prepared, faces)
    assert images.shape == (2, 3, 186, 186) and images.dtype == torch.float32
    assert images.min() >= -1 and images.max() <= 1 and images.std() > 0.1


def test_augmentation_is_seeded_and_keeps_shape_and_range(prepared: Path) -> None:
    images = read_crops(prepared, ["faces/hum-00-happy.png"] * 8)
    torch.manual_seed(0)
    first = augment(images)
    torch.manual_seed(0)
    assert torch.equal(augment(images), first)
    assert first.shape == images.shape and first.abs().max() <= 1
    assert not torch.allclose(first[0], first[1])
    assert (first - images).abs().mean() < 0.7  # still about the same picture


def test_people_of_other_splits_have_other_numbers(prepared: Path) -> None:
    data = FaceImages(str(prepared), batch_size=4, seed=1)
    data.setup("fit")
    train = torch.cat([batch.person for batch in data.train_dataloader()])
    valid = torch.cat([batch.person for batch in data.val_dataloader()])
    assert data.n_people == 6 and train.max() < 6 <= valid.min()
    batch = next(iter(data.val_dataloader()))
    assert batch.face.shape == (4, 3, 186, 186) and batch.teacher.shape == (4, 128)


def test_errors_name_the_problem(prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared, tmp_path / "copy")
    copy = tmp_path / "copy"
    (copy / "face_teacher.npz").unlink()
    with pytest.raises(InputError, match=r"no face_teacher.npz"):
        FaceImages(str(copy)).setup("fit")
    (copy / "faces" / "hum-00-happy.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot read the face"):
        read_crops(copy, ["faces/hum-00-happy.png"])
    with pytest.raises(InputError, match="cannot read the face"):
        read_crops(copy, ["faces/nobody.png"])
