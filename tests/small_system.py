"""A whole system of small networks with random weights, saved as a real folder in a second."""

from pathlib import Path

import torch

from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import SPAN_DB, PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.networks.vocoder import Vocoder
from mmtts.storage.model_folder import save_model, weights_hash
from mmtts.text import SYMBOLS

SPEAKER_DIM, MANNER_DIM = 256, 32  # as the default config has them
STYLE_DIM = SPEAKER_DIM + MANNER_DIM


def save_speech_tts(folder: Path, seed: int = 0, speaker: str = "learned") -> Path:
    """A small acoustic model that speaks about seven frames for each phoneme."""
    torch.manual_seed(seed)
    model = AcousticModel(
        len(SYMBOLS),
        style_dim=STYLE_DIM,
        manner_dim=MANNER_DIM,
        speaker=speaker,
        width=32,
        encoder_layers=1,
        decoder_layers=1,
        heads=2,
        style_width=32,
        style_layers=1,
        frame_layers=1,
        residual=0.4,
    )
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    model.duration_predictor.output.bias.data.fill_(2.0)
    for parameter in (*model.decoder.parameters(), *model.frame_prior.parameters()):
        torch.nn.init.normal_(parameter, std=0.05)  # zero at first, which would hide the steps
    extra = {"symbols": list(SYMBOLS), "speakers": ["a", "b"], "training": {"steps": 0}}
    return save_model(folder, "speech_tts", {"acoustic_model": model}, extra=extra)


def save_vocoder(folder: Path) -> Path:
    """A small vocoder."""
    torch.manual_seed(1)
    vocoder = Vocoder(width=32, hidden=48, layers=1, pitch_width=16, refinements=1)
    return save_model(folder, "vocoder", {"vocoder": vocoder})


def small_sampler(condition_dim: int) -> StyleSampler:
    """A sampler whose last layers are not zero, as they are before training."""
    sampler = StyleSampler(STYLE_DIM, condition_dim, width=32, depth=1)
    for parameter in sampler.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return sampler


def save_face_encoder(folder: Path, stage1: str) -> Path:
    """A small face encoder with its sampler."""
    torch.manual_seed(2)
    networks = {
        "face_encoder": FaceEncoder(style_dim=SPEAKER_DIM, width=32),
        "style_sampler": small_sampler(SPEAKER_DIM),
    }
    return save_model(folder, "face_encoder", networks, lineage={"speech_tts": stage1})


def save_prompt_encoder(folder: Path, stage1: str, face: str, loudness: float = 0.0) -> Path:
    """A small prompt encoder with its sampler; every prompt asks for the same loudness in dB."""
    torch.manual_seed(3)
    encoder = PromptEncoder(style_dim=STYLE_DIM, width=32)
    encoder.backbone.learn(["a calm woman speaks with a low voice", "an old man shouts"])
    encoder.loudness_head.bias.data.fill_(loudness / SPAN_DB)
    networks = {
        "prompt_encoder": encoder,
        "style_sampler": small_sampler(STYLE_DIM),
    }
    lineage = {"speech_tts": stage1, "face_encoder": face}
    return save_model(folder, "prompt_encoder", networks, lineage=lineage)


def make_small_system(folder: Path) -> Path:
    """All four parts, with the right lineage."""
    stage1 = weights_hash(save_speech_tts(folder / "speech_tts"))
    save_vocoder(folder / "vocoder")
    face = weights_hash(save_face_encoder(folder / "face_encoder", stage1))
    save_prompt_encoder(folder / "prompt_encoder", stage1, face)
    return folder
