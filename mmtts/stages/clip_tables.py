"""What the frozen encoders say about the clips of a prepared folder: styles, and voices."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch import Tensor

from mmtts import InputError
from mmtts.data.cuts import Clip, Member, load_samples, read_clips
from mmtts.data.frozen import Table, file_identity
from mmtts.data.speech import SpeechData
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.clip_encoder import ClipEncoder, encode_voices
from mmtts.stages.compute_once import compute_once
from mmtts.stages.frozen import progress, working
from mmtts.stages.validation import unit
from mmtts.storage.model_config import ModelConfig
from mmtts.storage.model_folder import load_config, load_network
from mmtts.storage.weights_file import module_hash

BATCH_SECONDS = 190.0  # of sound that an encoder hears at once
LONGEST_SECONDS = 12.0  # of a clip; its style does not change after that


class Speakers(NamedTuple):
    """The speaker's part of styles, cut out when somebody asks for it.

    Attributes:
        styles: z_s by cut id, (n, D).
        width: S.
    """

    styles: Table
    width: int

    def take(self, cuts: Iterable[str]) -> np.ndarray:
        """Unit vectors (m, S) of these cuts; raises `InputError` where one has no style."""
        return unit(self.styles.take(cuts)[:, : self.width])


def style_dim(stage1: ModelConfig) -> int:
    """D, the width of z in a stage-1 model."""
    return int(stage1.networks["acoustic_model"]["style_dim"])


def speaker_dim(stage1: ModelConfig) -> int:
    """S, the width of the speaker's part of z in a stage-1 model."""
    return style_dim(stage1) - int(stage1.networks["acoustic_model"].get("manner_dim", 0))


def check_widths(stage1: ModelConfig, style: int, speaker: int | None = None) -> None:
    """Make sure that a later stage's networks are as wide as the styles of its stage 1.

    Raises:
        InputError: They are not.
    """
    wide, who = style_dim(stage1), speaker_dim(stage1)
    if style != wide or speaker not in (None, who):
        raise InputError(
            f"the styles of {stage1.folder} have {wide} dimensions, {who} of them the speaker's; "
            f"say style.speaker_dim={who} style.manner_dim={wide - who} style.dim={wide}"
        )


def style_table(
    stage1: str | Path,
    folder: Path,
    splits: Sequence[str] = ("train", "valid"),
    strategy: Strategy | None = None,
) -> Table:
    """z_s of every clip of the splits by E_s, the frozen style encoder of stage 1.

    Args:
        stage1: Model folder of stage 1.
        folder: Prepared data folder.
        splits: Splits to read.
        strategy: Of the trainer.

    Returns:
        Table of unit vectors (n, D) by cut id.

    Raises:
        InputError: Model or data cannot be read.
    """
    config = load_config(stage1, "speech_tts")
    clips = [clip for split in splits for clip in read_clips(folder, split)]
    clips.sort(key=lambda clip: clip.id)  # whichever split it is in
    mel = dict(config.extra.get("mel") or {})

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        from mmtts.audio.mel import MelSpectrogram

        model = load_network(Path(stage1), config, "acoustic_model", AcousticModel)
        encoder = ClipEncoder(model, MelSpectrogram(**mel))
        with working(encoder, device):
            mine = [clips[row] for row in rows]
            return _over_clips(encoder, mine, encoder.mel.sample_rate, "styles of clips")

    identities = (_clip_identity(folder, clip) for clip in clips)
    parts = ["style", config.sha256, str(sorted(mel.items())), str(LONGEST_SECONDS), *identities]
    values = compute_once(strategy, folder, "style", parts, len(clips), compute)
    return Table("speech style", [clip.id for clip in clips], values)


def _clip_identity(folder: Path, clip: Clip) -> str:
    """What decides a clip's samples."""
    span = f"{clip.id} {clip.start} {clip.seconds} {clip.sample_rate}"
    if isinstance(clip.source, bytes):
        return f"{span} {hashlib.sha256(clip.source).hexdigest()}"
    if isinstance(clip.source, Member):
        tar, offset, size = clip.source
        return f"{span} {file_identity(folder, str(tar.relative_to(folder)))} {offset} {size}"
    return f"{span} {file_identity(folder, str(clip.source.relative_to(folder)))}"


def attach_voices(
    model: AcousticModel, data: SpeechData, strategy: Strategy | None = None
) -> Tensor | None:
    """Give stage 1's data what the model's frozen speaker encoder says about its clips.

    Returns:
        The mean (S,) of the training clips, everyone counted once; None where the encoder learns.
    """
    encoder = model.style_encoder.pretrained
    if encoder is None:
        return None
    clips = [clip for dataset in data.datasets.values() for clip in dataset.clips]
    clips.sort(key=lambda clip: clip.id)
    rate = encoder.sample_rate

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        def encode(samples: Sequence[np.ndarray]) -> Tensor:
            return encode_voices(encoder, samples, rate)

        with working(encoder, device):
            return _over_clips(encode, [clips[row] for row in rows], rate, "voices of clips")

    identities = (_clip_identity(data.folder, clip) for clip in clips)
    weights = f"{module_hash(encoder)} {encoder.config}"
    parts = ["voices", weights, str(LONGEST_SECONDS), *identities]
    values = compute_once(strategy, data.folder, "voices", parts, len(clips), compute)
    table = Table("voice", [clip.id for clip in clips], values)
    data.attach(table)
    train = data.datasets["train"].clips
    mean = mean_voice(table.take(clip.id for clip in train), [clip.speaker for clip in train])
    return torch.from_numpy(mean).float()


def _over_clips(
    encode: Callable[[Sequence[np.ndarray]], Tensor],
    clips: Sequence[Clip],
    rate: int,
    what: str,
) -> np.ndarray:
    """Encode clips of any length by batches of about the same one: (n, D)."""
    counts = [min(clip.num_samples(rate), int(LONGEST_SECONDS * rate)) for clip in clips]
    found: dict[int, np.ndarray] = {}
    with progress(len(clips), what) as bar:
        for rows in _batches([count / rate for count in counts]):
            samples = [load_samples(clips[k], rate, count=counts[k]) for k in rows]
            found |= dict(zip(rows, encode(samples).cpu().numpy(), strict=True))
            bar.update(len(rows))
    return np.stack([found[k] for k in range(len(clips))]).astype(np.float32)


def _batches(seconds: Sequence[float]) -> Iterator[list[int]]:
    """Cut the clips by rising length into batches of at most `BATCH_SECONDS`, padding included."""
    rows: list[int] = []
    for k in sorted(range(len(seconds)), key=lambda k: seconds[k]):
        if rows and seconds[k] * (len(rows) + 1) > BATCH_SECONDS:
            yield rows
            rows = []
        rows.append(k)
    if rows:
        yield rows
