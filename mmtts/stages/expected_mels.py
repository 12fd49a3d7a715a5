"""What a trained synthesizer expects of the clips of a vocoder, for it to make sound of that."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.utilities.apply_func import move_data_to_device
from lightning.pytorch.strategies import Strategy

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import Clip
from mmtts.data.speech import SpeechData, WaveData
from mmtts.data.speech_batch import SpeechBatch
from mmtts.networks.acoustic_model import TEMPERATURE, AcousticModel
from mmtts.stages.aligned_speech import expected_speech
from mmtts.stages.clip_tables import attach_voices
from mmtts.stages.compute_once import compute_once
from mmtts.stages.frozen import progress, working
from mmtts.stages.trained_speech import TrainedSpeech
from mmtts.storage.model_config import ModelConfig
from mmtts.text.front_ends import make_front_end

BATCH_SECONDS = 120.0
STEPS = 4  # of the flow decoder, where there is one
SPLITS = ("train", "valid")


def attach_expected(
    data: WaveData, stage1: str | Path, share: float, strategy: Strategy | None = None
) -> None:
    """Give a vocoder's data the mels that a synthesizer expects of its clips.

    Said when, as high and by whom they were, so that mel and recording fit frame by frame. A
    vocoder that only ever saw mels of recordings makes of a smoother one a muffled voice.

    Args:
        data: after its setup.
        stage1: model folder of stage 1, a system folder, a name in the package, or a hub id.
        share: of the crops of transcribed clips that get such a mel.
        strategy: of the trainer.

    Raises:
        InputError: there is no such model, or it makes another kind of mel.
    """
    config, model = TrainedSpeech.load(str(stage1))
    speech = _speech_of(data, config, model)
    attach_voices(model, speech, strategy)
    clips = [clip for split in SPLITS for clip in speech.datasets[split].clips]
    ends = np.cumsum([clip.num_frames(data.sample_rate, data.hop_length) for clip in clips])

    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        found = np.full((ends[-1], model.mel_mean.shape[-1]), np.nan, np.float16)
        wanted = np.unique(np.searchsorted(ends, rows, side="right"))
        places = {clips[k].id: ends[k] for k in wanted}
        with working(model, device), progress(len(places), "expected mels") as bar:
            for batch in _batches(speech, places):
                for name, mel in zip(batch.ids, _expect(model, batch, device), strict=True):
                    if name in places:
                        found[places[name] - len(mel) : places[name]] = mel
                        bar.update()
        return found[rows]

    parts = [config.sha256, *(f"{clip.id} {clip.seconds} {clip.text}" for clip in clips)]
    mels = compute_once(strategy, data.folder, "expected-mels", parts, int(ends[-1]), compute)
    for split in SPLITS:
        data.datasets[split].hear(_by_clip(clips, mels, ends), share)


def _speech_of(data: WaveData, config: ModelConfig, model: AcousticModel) -> SpeechData:
    """The transcribed clips of a vocoder's data, as stage 1 would be given them.

    Raises:
        InputError: the model makes another kind of mel than the data.
    """
    speech = SpeechData(
        data.folder,
        BATCH_SECONDS,
        data.max_seconds,
        cache_gib=0.0,
        shar=data.shar,
        transcribed_only=True,
        mel=data.mel,
        accents=model.config["accents"],
        front_end=make_front_end(config.extra.get("text")),
    )
    speech.prepare_data()
    speech.setup("fit")
    own = speech.datasets["train"].mel.config
    if MelSpectrogram(**dict(config.extra.get("mel") or {})).config != own:
        raise InputError(
            f"{config.folder} makes another kind of mel; choose the same mel=... as it has"
        )
    return speech


def _batches(speech: SpeechData, wanted: Collection[str]) -> Iterator[SpeechBatch]:
    """Batches in which all clips that are wanted, by id, are once."""
    for split in SPLITS:
        dataset = speech.datasets[split]
        for draw in speech.sampler(split, shuffle=False, rank=0, world_size=1):
            if any(dataset.clips[k].id in wanted for k in draw.clips):
                yield dataset[draw]


def _expect(model: AcousticModel, batch: SpeechBatch, device: torch.device) -> list[np.ndarray]:
    """Mels (T, M) in float16, one for each clip of a batch."""
    batch = move_data_to_device(batch, device)
    prior, aligned = expected_speech(model, batch)
    noise = torch.randn(prior.shape, generator=torch.Generator().manual_seed(0)).to(prior)
    mel = model.decode(noise * TEMPERATURE, prior, aligned.plan.z, batch.mel_lens, STEPS)
    rows = model.denormalize(mel).half().cpu().numpy()
    return [row[:length] for row, length in zip(rows, batch.mel_lens.tolist(), strict=True)]


def _by_clip(clips: list[Clip], mels: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    """Views of the mels by id; clips that could not be decoded have none."""
    starts = [0, *ends[:-1].tolist()]
    rows = {c.id: mels[a:b] for c, a, b in zip(clips, starts, ends.tolist(), strict=True)}
    return {name: mel for name, mel in rows.items() if not np.isnan(mel[0, 0])}
