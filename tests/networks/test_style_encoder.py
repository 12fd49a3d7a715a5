"""E_s: two parts of fixed shares, whoever encodes the speaker."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.clip_encoder import ClipEncoder
from mmtts.networks.style_encoder import SPEAKER_SHARE, StyleEncoder
from mmtts.storage.model_folder import load_config, load_network, save_model

LENS = torch.tensor([30, 21])


SMALL_ECAPA = {"pretrained": str(Path(__file__).with_name("small_ecapa"))}  # 12 values
SMALL_CAMPPLUS = {"pretrained": str(Path(__file__).with_name("small_campplus"))}  # 12 values


def make(
    speaker: str = "learned",
    style_dim: int = 24,
    manner_dim: int = 8,
    config: dict[str, Any] | None = None,
) -> StyleEncoder:
    torch.manual_seed(0)
    return StyleEncoder(10, style_dim, manner_dim, speaker, 16, 1, 0.0, config).eval()


def test_parts_have_their_shares_and_come_back() -> None:
    encoder, mel = make(), torch.randn(2, 30, 10)
    z = encoder(mel, LENS)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(z[:, :16].norm(dim=-1) ** 2, torch.full((2,), SPEAKER_SHARE))
    who, how = encoder.split(z)
    torch.testing.assert_close(who, encoder.who(mel, LENS))
    torch.testing.assert_close(how, encoder.how(mel, LENS))


def test_a_mixture_gets_its_shares_back() -> None:
    encoder = make()
    z = encoder(torch.randn(2, 30, 10), LENS).detach()
    mixed = F.normalize(z.mean(0, keepdim=True), dim=-1)
    balanced = encoder.join(*encoder.split(mixed))
    assert balanced[0, :16].norm() ** 2 == pytest.approx(SPEAKER_SHARE, abs=1e-6)
    assert F.cosine_similarity(balanced[:, :16], mixed[:, :16]).item() == pytest.approx(1, abs=1e-6)


def test_without_a_manner_z_is_the_speaker() -> None:
    encoder, mel = make(manner_dim=0), torch.randn(2, 30, 10)
    z = encoder(mel, LENS)
    assert encoder.how(mel, LENS) is None and torch.equal(z, encoder.who(mel, LENS))
    assert encoder.split(z)[1] is None


def test_a_frozen_speaker_encoder_is_centered_and_never_learns() -> None:
    encoder = make("ge2e", style_dim=264)
    voice = F.normalize(torch.rand(2, 256), dim=-1)
    encoder.voice_mean.copy_(voice[0] * 0.5)
    z = encoder(torch.randn(2, 30, 10), LENS, voice)
    torch.testing.assert_close(F.normalize(z[:1, :256], dim=-1), voice[:1])
    names = {name.split(".")[0] for name, p in encoder.named_parameters() if p.requires_grad}
    assert names == {"manner"}
    with pytest.raises(ValueError, match="vectors are needed"):
        encoder(torch.randn(2, 30, 10), LENS)


def test_what_cannot_be_is_one_sentence() -> None:
    with pytest.raises(InputError, match="style_dim must be 256 more than manner_dim"):
        make("ge2e")
    with pytest.raises(InputError, match="known are learned, ge2e, ecapa, wavlm, campplus"):
        make("ecape")
    with pytest.raises(InputError, match="style_dim must be 12 more than manner_dim"):
        make("ecapa", config=SMALL_ECAPA)
    for name in ("ecapa", "wavlm"):
        with pytest.raises(InputError, match="needs weights: a folder or hub id"):
            make(name)
    with pytest.raises(InputError, match="manner_dim must be from 0 to 23"):
        make(manner_dim=24)


@pytest.mark.parametrize(
    ("speaker", "config", "dim"),
    [("ge2e", None, 256), ("ecapa", SMALL_ECAPA, 12), ("campplus", SMALL_CAMPPLUS, 12)],
)
@torch.no_grad()
def test_clips_become_styles_at_any_rate(
    speaker: str, config: dict[str, Any] | None, dim: int
) -> None:
    torch.manual_seed(0)
    mel = MelSpectrogram(sample_rate=24000, n_fft=1024, hop_length=300, n_mels=80)
    model = acoustic_model(speaker, config, dim)
    rng = np.random.default_rng(0)
    clips = [rng.standard_normal(n).astype(np.float32) * 0.1 for n in (24000, 9000)]
    encode = ClipEncoder(model, mel)
    z = encode(clips)
    assert z.shape == (2, dim + 8)
    torch.testing.assert_close(z[1], encode(clips[1:])[0], atol=1e-4, rtol=1e-3)


def acoustic_model(speaker: str, config: dict[str, Any] | None, dim: int) -> AcousticModel:
    sizes = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 2}
    style = {"style_dim": dim + 8, "manner_dim": 8, "style_width": 16, "style_layers": 1}
    return AcousticModel(5, speaker=speaker, speaker_config=config, **style, **sizes).eval()


@pytest.mark.parametrize(
    ("speaker", "config"), [("ecapa", SMALL_ECAPA), ("campplus", SMALL_CAMPPLUS)]
)
def test_a_model_folder_has_the_weights_of_its_speaker_encoder(
    tmp_path: Path, speaker: str, config: dict[str, str]
) -> None:
    shutil.copytree(config["pretrained"], tmp_path / "weights")
    model = acoustic_model(speaker, {"pretrained": str(tmp_path / "weights")}, 12)
    folder = save_model(tmp_path / "model", "speech_tts", {"acoustic_model": model})
    shutil.rmtree(tmp_path / "weights")
    assert str(tmp_path) not in (folder / "config.json").read_text()
    again = load_network(folder, load_config(folder, "speech_tts"), "acoustic_model", AcousticModel)
    clips = [torch.from_numpy(np.random.default_rng(0).standard_normal(9000).astype(np.float32))]
    expected = model.style_encoder.pretrained(clips)
    torch.testing.assert_close(again.style_encoder.pretrained(clips), expected)
    assert again.config == model.config


@pytest.mark.parametrize("speaker", ["learned", "ge2e"])
def test_a_model_folder_of_before_has_no_speaker_config(speaker: str) -> None:
    model = acoustic_model(speaker, None, 256)
    before = {k: v for k, v in model.config.items() if k != "speaker_config"}
    assert model.config["speaker_config"] == {}
    assert AcousticModel(**before).state_dict().keys() == model.state_dict().keys()


def test_a_model_folder_may_not_fetch_weights(tmp_path: Path) -> None:
    model = acoustic_model("ecapa", SMALL_ECAPA, 12)
    model.config["speaker_config"] = {"pretrained": "someone/weights"}
    with pytest.raises(InputError, match="wants weights from elsewhere"):
        save_model(tmp_path / "model", "speech_tts", {"acoustic_model": model})
