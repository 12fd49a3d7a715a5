"""What the frozen networks say about a prepared folder: tables of styles and features, on disk.

A table is computed once, on the device that trains, and shared (`mmtts.stages.compute_once`). Its
functions take the trainer's strategy; without one they run on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch import Tensor, nn

from mmtts.data.face_images import augment, read_crops
from mmtts.data.frozen import Table, file_identity
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.stages.compute_once import BLOCK, compute_once
from mmtts.storage.model_folder import load_config, load_network
from mmtts.storage.weights_file import module_hash


def feature_table(
    encoder: FaceEncoder,
    folder: Path,
    faces: Sequence[str],
    views: int = 1,
    seed: int = 0,
    strategy: Strategy | None = None,
) -> Table:
    """Features of the frozen face backbone for faces and augmented views of them.

    Args:
        encoder: Its backbone is used, its head is not.
        folder: Prepared data folder.
        faces: Face paths.
        views: V; view 0 is the crop itself, the others are augmented.
        seed: Of the augmentation, which is the same on every device.
        strategy: Of the trainer.

    Returns:
        Table of (n, V, F) by face.
    """

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _over_faces(encoder.backbone, folder, faces, views, device, rows)

    identities = (file_identity(folder, face) for face in faces)
    weights = module_hash(encoder.backbone)
    parts = ["features", weights, str(views), str(seed), *identities]
    values = compute_once(strategy, folder, "face-features", parts, len(faces), compute)
    return Table("face features", list(faces), values)


def face_style_table(
    stage2: str | Path, folder: Path, faces: Sequence[str], strategy: Strategy | None = None
) -> Table:
    """z_f of faces by E_f, the frozen face encoder of stage 2: unit vectors (n, D) by face."""
    config = load_config(stage2, "face_encoder")

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        encoder = load_network(Path(stage2), config, "face_encoder", FaceEncoder)
        return _over_faces(encoder, folder, faces, 1, device, rows)[:, 0]

    parts = ["face-style", config.sha256, *(file_identity(folder, face) for face in faces)]
    values = compute_once(strategy, folder, "face-style", parts, len(faces), compute)
    return Table("face style", list(faces), values)


def prompt_table(
    encoder: PromptEncoder, folder: Path, prompts: Sequence[str], strategy: Strategy | None = None
) -> Table:
    """Features (n, F) of a frozen prompt backbone by prompt."""

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        parts = []
        with working(encoder.backbone, device), progress(len(rows), "features of prompts") as bar:
            for start in range(0, len(rows), BLOCK):
                batch = [prompts[row] for row in rows[start : start + BLOCK]]
                tokens = encoder.tokenize(batch).to(device)
                parts.append(encoder.features(tokens).float().cpu().numpy())
                bar.update(len(batch))
        return np.concatenate(parts)

    key = ["prompts", module_hash(encoder.backbone), *prompts]
    values = compute_once(strategy, folder, "prompt-features", key, len(prompts), compute)
    return Table("prompt features", list(prompts), values)


@contextmanager
def working(network: nn.Module, device: torch.device) -> Iterator[None]:
    """Have a network on a device, in evaluation mode, without gradients; then as it was before."""
    was_training = [module.training for module in network.modules()]
    home = next(network.parameters()).device
    network.to(device).eval()
    try:
        with torch.no_grad():
            yield
    finally:
        network.to(home)
        for module, mode in zip(network.modules(), was_training, strict=True):
            module.training = mode


def _over_faces(
    network: nn.Module,
    folder: Path,
    faces: Sequence[str],
    views: int,
    device: torch.device,
    rows: np.ndarray,
) -> np.ndarray:
    """Apply a network to crops of some rows and augmented views of them: (n, V, ...)."""
    parts, mine = [], set(rows.tolist())
    with working(network, device), progress(len(rows) * views, "features of faces") as bar:
        for start in range(0, len(faces), BLOCK):
            some = faces[start : start + BLOCK]
            if start not in mine:  # another process's block, whose views are drawn all the same
                for _ in range(1, views):
                    augment(torch.zeros(len(some), 3, 3, 3))
                continue
            crops = read_crops(folder, some)
            seen: list[Tensor] = []
            for view in range(views):
                # Augmented on the CPU, so that a seed gives the same views on every device.
                images = crops if view == 0 else augment(crops)
                seen.append(network(images.to(device)).float().cpu())
                bar.update(len(crops))
            parts.append(torch.stack(seen, 1).numpy())
    return np.concatenate(parts)


def progress(total: int, what: str) -> Any:
    """A progress bar that leaves nothing behind."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit="", leave=False, mininterval=1.0)
