"""What the frozen networks say about a prepared folder: tables of styles and features, on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmtts.data.cuts import Clip, load_samples, read_clips
from mmtts.data.face_images import augment, read_crops
from mmtts.data.frozen import Table, file_identity, frozen
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.storage.model_folder import load_config, load_network

BATCH_FRAMES = 12_000  # padded mel frames that the style encoder sees at once
BATCH_FACES = 64
LONGEST_SECONDS = 12.0  # of a clip; its style does not change after that


def style_table(
    stage1: str | Path, folder: Path, splits: Sequence[str] = ("train", "valid")
) -> Table:
    """z_s of every clip of the splits by E_s, the frozen style encoder of stage 1.

    Args:
        stage1: Model folder of stage 1.
        folder: Prepared data folder.
        splits: Splits to read.

    Returns:
        Table of unit vectors (n, D) by cut id.

    Raises:
        InputError: Model or data cannot be read.
    """
    config = load_config(stage1, "speech_tts")
    clips = [clip for split in splits for clip in read_clips(folder, split)]
    mel = dict(config.extra.get("mel") or {})

    def compute() -> np.ndarray:
        model = load_network(Path(stage1), config, "acoustic_model", AcousticModel)
        return encode_clips(model, clips, mel)

    identities = (_clip_identity(folder, clip) for clip in clips)
    parts = ["style", config.sha256, str(sorted(mel.items())), str(LONGEST_SECONDS), *identities]
    values = frozen(folder, "style", parts, compute)
    return Table("speech style", [clip.id for clip in clips], values)


def _clip_identity(folder: Path, clip: Clip) -> str:
    """What decides a clip's samples."""
    span = f"{clip.id} {clip.start} {clip.seconds} {clip.sample_rate}"
    if isinstance(clip.source, bytes):
        return f"{span} {hashlib.sha256(clip.source).hexdigest()}"
    return f"{span} {file_identity(folder, str(clip.source.relative_to(folder)))}"


@torch.no_grad()
def encode_clips(model: AcousticModel, clips: Sequence[Clip], mel: dict[str, Any]) -> np.ndarray:
    """Encode clips of any length by batches of about the same one: unit vectors (n, D)."""
    from mmtts.audio.mel import LOG_FLOOR, MelSpectrogram

    spectrogram = MelSpectrogram(**mel)
    rate, hop = spectrogram.sample_rate, spectrogram.hop_length
    longest = int(LONGEST_SECONDS * rate)
    styles = np.zeros((len(clips), int(str(model.config["style_dim"]))), np.float32)
    counts = [min(clip.num_samples(rate), longest) for clip in clips]
    with _progress(len(clips), "styles of clips") as bar:
        for rows in _batches([1 + count // hop for count in counts]):
            mels = []
            for k in rows:
                samples = load_samples(clips[k], rate, count=counts[k])
                mels.append(spectrogram(torch.from_numpy(samples)[None])[0])
            lens = torch.tensor([len(m) for m in mels])
            padded = nn.utils.rnn.pad_sequence(
                mels, batch_first=True, padding_value=float(np.log(LOG_FLOOR))
            )
            styles[rows] = model.encode_style(padded, lens).float().numpy()
            bar.update(len(rows))
    return styles


def _batches(frames: Sequence[int]) -> Iterator[list[int]]:
    """Cut the clips by rising length into batches of at most `BATCH_FRAMES` padded frames."""
    rows: list[int] = []
    for k in sorted(range(len(frames)), key=lambda k: frames[k]):
        if rows and frames[k] * (len(rows) + 1) > BATCH_FRAMES:
            yield rows
            rows = []
        rows.append(k)
    if rows:
        yield rows


def feature_table(
    encoder: FaceEncoder, folder: Path, faces: Sequence[str], views: int = 1, seed: int = 0
) -> Table:
    """Features of the frozen face backbone for faces and augmented views of them.

    Args:
        encoder: Its backbone is used, its head is not.
        folder: Prepared data folder.
        faces: Face paths.
        views: V; view 0 is the crop itself, the others are augmented.
        seed: Of the augmentation.

    Returns:
        Table of (n, V, F) by face.
    """

    def compute() -> np.ndarray:
        generator = torch.random.get_rng_state()
        torch.manual_seed(seed)
        try:
            return _over_faces(encoder.features, encoder, folder, faces, views)
        finally:
            torch.random.set_rng_state(generator)

    identities = (file_identity(folder, face) for face in faces)
    weights = module_hash(encoder.backbone)
    parts = ["features", weights, str(views), str(seed), *identities]
    return Table("face features", list(faces), frozen(folder, "face-features", parts, compute))


def face_style_table(stage2: str | Path, folder: Path, faces: Sequence[str]) -> Table:
    """z_f of faces by E_f, the frozen face encoder of stage 2: unit vectors (n, D) by face."""
    config = load_config(stage2, "face_encoder")

    def compute() -> np.ndarray:
        encoder = load_network(Path(stage2), config, "face_encoder", FaceEncoder)
        return _over_faces(encoder, encoder, folder, faces, 1)[:, 0]

    parts = ["face-style", config.sha256, *(file_identity(folder, face) for face in faces)]
    return Table("face style", list(faces), frozen(folder, "face-style", parts, compute))


def prompt_table(encoder: PromptEncoder, folder: Path, prompts: Sequence[str]) -> Table:
    """Features (n, F) of a frozen prompt backbone by prompt."""

    @torch.no_grad()
    def compute() -> np.ndarray:
        was_training = encoder.training
        encoder.eval()
        parts = []
        with _progress(len(prompts), "features of prompts") as bar:
            for start in range(0, len(prompts), BATCH_FACES):
                batch = list(prompts[start : start + BATCH_FACES])
                parts.append(encoder.features(encoder.tokenize(batch)).float().numpy())
                bar.update(len(batch))
        encoder.train(was_training)
        return np.concatenate(parts)

    key = ["prompts", module_hash(encoder.backbone), *prompts]
    return Table("prompt features", list(prompts), frozen(folder, "prompt-features", key, compute))


def module_hash(module: nn.Module) -> str:
    """Hash of a network's weights in memory (SHA-256, hexadecimal)."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


@torch.no_grad()
def _over_faces(
    network: Any, owner: nn.Module, folder: Path, faces: Sequence[str], views: int
) -> np.ndarray:
    """Apply a network to crops and augmented views of them: (n, V, ...)."""
    was_training = owner.training
    owner.eval()
    parts = []
    with _progress(len(faces) * views, "features of faces") as bar:
        for start in range(0, len(faces), BATCH_FACES):
            crops = read_crops(folder, faces[start : start + BATCH_FACES])
            seen: list[Tensor] = []
            for view in range(views):
                seen.append(network(crops if view == 0 else augment(crops)).float())
                bar.update(len(crops))
            parts.append(torch.stack(seen, 1).numpy())
    owner.train(was_training)
    return np.concatenate(parts)


def _progress(total: int, what: str) -> Any:
    """A progress bar that leaves nothing behind."""
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit="", leave=False, mininterval=1.0)
