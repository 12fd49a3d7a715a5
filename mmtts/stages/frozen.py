"""What the frozen networks say about a prepared folder: tables of styles and features, on disk.

A table is computed once, on the device that trains: the first process computes and writes it, the
others wait and read. Its functions take the trainer's strategy; without one they run on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch import Tensor, nn

from mmtts.data.face_images import augment, read_crops
from mmtts.data.frozen import Table, file_identity, frozen
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.storage.model_folder import load_config, load_network
from mmtts.storage.weights_file import module_hash

BATCH_FACES = 64


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

    def compute(device: torch.device) -> np.ndarray:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _over_faces(encoder.backbone, folder, faces, views, device)

    identities = (file_identity(folder, face) for face in faces)
    weights = module_hash(encoder.backbone)
    parts = ["features", weights, str(views), str(seed), *identities]
    values = compute_once(strategy, folder, "face-features", parts, compute)
    return Table("face features", list(faces), values)


def face_style_table(
    stage2: str | Path, folder: Path, faces: Sequence[str], strategy: Strategy | None = None
) -> Table:
    """z_f of faces by E_f, the frozen face encoder of stage 2: unit vectors (n, D) by face."""
    config = load_config(stage2, "face_encoder")

    def compute(device: torch.device) -> np.ndarray:
        encoder = load_network(Path(stage2), config, "face_encoder", FaceEncoder)
        return _over_faces(encoder, folder, faces, 1, device)[:, 0]

    parts = ["face-style", config.sha256, *(file_identity(folder, face) for face in faces)]
    values = compute_once(strategy, folder, "face-style", parts, compute)
    return Table("face style", list(faces), values)


def prompt_table(
    encoder: PromptEncoder, folder: Path, prompts: Sequence[str], strategy: Strategy | None = None
) -> Table:
    """Features (n, F) of a frozen prompt backbone by prompt."""

    def compute(device: torch.device) -> np.ndarray:
        parts = []
        with (
            working(encoder.backbone, device),
            progress(len(prompts), "features of prompts") as bar,
        ):
            for start in range(0, len(prompts), BATCH_FACES):
                batch = list(prompts[start : start + BATCH_FACES])
                tokens = encoder.tokenize(batch).to(device)
                parts.append(encoder.features(tokens).float().cpu().numpy())
                bar.update(len(batch))
        return np.concatenate(parts)

    key = ["prompts", module_hash(encoder.backbone), *prompts]
    values = compute_once(strategy, folder, "prompt-features", key, compute)
    return Table("prompt features", list(prompts), values)


def compute_once(
    strategy: Strategy | None,
    folder: Path,
    name: str,
    parts: Iterable[str],
    compute: Callable[[torch.device], np.ndarray],
) -> np.ndarray:
    """Return what `compute` returns, as the first process computed it now or at an earlier time.

    Args:
        strategy: Says where to compute and which process this is; None for one on the CPU.
        folder: The prepared data folder.
        name: Beginning of the file name.
        parts: Everything that the result depends on.
        compute: Called with the device, by the first process at most once; the others read what
            it wrote (or compute too, where they see another disk).

    Returns:
        The array, as computed.
    """
    if strategy is None:
        return frozen(folder, name, parts, lambda: compute(torch.device("cpu")))
    if not strategy.is_global_zero:
        strategy.barrier(name)
    values = frozen(folder, name, parts, lambda: compute(strategy.root_device))
    if strategy.is_global_zero:
        strategy.barrier(name)
    return values


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
    network: nn.Module, folder: Path, faces: Sequence[str], views: int, device: torch.device
) -> np.ndarray:
    """Apply a network to crops and augmented views of them: (n, V, ...)."""
    parts = []
    with working(network, device), progress(len(faces) * views, "features of faces") as bar:
        for start in range(0, len(faces), BATCH_FACES):
            crops = read_crops(folder, faces[start : start + BATCH_FACES])
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
