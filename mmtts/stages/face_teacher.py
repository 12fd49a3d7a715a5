"""Who teaches stage 2 which faces are alike."""

from __future__ import annotations

from pathlib import Path

from mmtts import InputError
from mmtts.data.frozen import Table, read_teacher


def face_teacher(folder: Path, recognized: Table | None, needed: bool) -> Table | None:
    """The face teacher: a file of the data folder, or a frozen face-recognition network.

    Args:
        folder: Prepared data folder.
        recognized: Features (n, V, F) of the face encoder's frozen backbone, where that has learned
            to tell faces apart.
        needed: Whether a loss listens to it.

    Returns:
        Embeddings (n, K) by face; None where nobody can teach and nobody has to.

    Raises:
        InputError: A teacher is needed, and there is none.
    """
    teacher = read_teacher(folder)
    if teacher is not None or not needed:
        return teacher
    if recognized is None:
        raise InputError(
            f"{folder} has no face_teacher.npz, and an untrained face network can teach nothing: "
            "prepare the data again with a face teacher, or let a frozen recognition network teach "
            "(model=face_encoder_dlib, or face_backbone=FOLDER), or do without "
            "(loss.distillation.mu=1, or loss.distillation_weight=0)"
        )
    return recognized.view(0)._replace(name="face teacher embedding")
