"""One exported system for all tests: small networks, two accents, one saved voice."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_system import MANNER_DIM, STYLE_DIM
from source_imports import ROOT

from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.excitation import PITCH_BINS
from mmtts.networks.vocoder import Vocoder
from mmtts.storage.model_folder import load_config, load_network, save_model, weights_hash
from mmtts.synthesis.voice import Voice
from mmtts.text import SYMBOLS


def sure_vocoder() -> Vocoder:
    """A small vocoder whose pitch is a voice's, as after training, and not the best of 160 ties."""
    torch.manual_seed(1)
    vocoder = Vocoder(width=32, hidden=48, layers=1, pitch_width=16, refinements=2)
    output = vocoder.pitch_predictor.output
    output.bias.data[:-1] = -0.5 * ((torch.arange(PITCH_BINS) - 60.0) / 2) ** 2  # about 135 Hz
    output.bias.data[-1] = 2.0
    return vocoder


@pytest.fixture(scope="session")
def accented_system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system of random weights that speaks differently in each accent, with a ready voice."""
    folder = tmp_path_factory.mktemp("accented") / "system"
    torch.manual_seed(0)
    model = AcousticModel(
        len(SYMBOLS),
        style_dim=STYLE_DIM,
        manner_dim=MANNER_DIM,
        width=32,
        encoder_layers=1,
        decoder_layers=1,
        heads=2,
        style_width=32,
        style_layers=1,
        frame_layers=1,
        residual=0.4,
        accents=("native", "learner"),
    )
    model.set_statistics(torch.linspace(-6, -4, 80), torch.linspace(1.5, 2, 80))
    parts = (model.decoder, model.frame_prior, model.duration_predictor)
    for parameter in (p for part in parts for p in part.parameters()):
        torch.nn.init.normal_(parameter, std=0.05)  # zero at first, which would hide much
    torch.nn.init.normal_(model.accent.weight, std=0.05)
    model.duration_predictor.output.bias.data.fill_(2.0)
    save_model(folder / "speech_tts", "speech_tts", {"acoustic_model": model})
    save_model(folder / "vocoder", "vocoder", {"vocoder": sure_vocoder()})
    space = weights_hash(folder / "speech_tts")
    vectors = np.random.default_rng(0).normal(size=(2, STYLE_DIM))
    Voice(vectors[0], {}, space).save(folder / "voices" / "anna.safetensors")
    Voice(vectors[1], {}, space, 3.0).save(folder / "ben.safetensors")
    return folder


@pytest.fixture(scope="session")
def plain_system(accented_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same system without its flow decoder."""
    folder = tmp_path_factory.mktemp("plain") / "system"
    shutil.copytree(accented_system / "vocoder", folder / "vocoder")
    config = load_config(accented_system / "speech_tts", "speech_tts")
    full = load_network(accented_system / "speech_tts", config, "acoustic_model", AcousticModel)
    model = AcousticModel(**{**full.config, "decoder_layers": 0, "contrast": 1.4})
    model.load_state_dict(full.state_dict(), strict=False)
    save_model(folder / "speech_tts", "speech_tts", {"acoustic_model": model})
    return folder


@pytest.fixture(scope="session")
def exported(accented_system: Path) -> Path:
    """What the command makes of it, with both voices."""
    out = accented_system.parent / "exported"
    words = [f"model={accented_system}", f"out={out}", f"voices={accented_system}/ben.safetensors"]
    subprocess.run([sys.executable, "-m", "mmtts.export", *words], check=True, cwd=ROOT)
    return out
