"""A system loads only parts that belong together, and says what is wrong otherwise."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from small_system import save_face_encoder, save_speech_tts, save_vocoder

from mmtts import InputError, Synthesizer
from mmtts.audio.griffin_lim import GriffinLim
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.storage.model_folder import load_config, load_network, save_model
from mmtts.synthesis.directions import Directions
from mmtts.synthesis.system_folder import SystemFolder, default_model, find_system


@pytest.fixture
def system(small_system: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_system, tmp_path / "system"))


def test_parts_load(system: Path) -> None:
    folder = SystemFolder(system, "cpu")
    speaker = folder.speaker()
    assert not speaker.acoustic_model.training
    for load in (folder.face_encoder, folder.prompt_encoder):
        encoder, sampler = load()
        assert not encoder.training and sampler is not None
    assert len(folder.directions()) == 0


def test_without_a_vocoder_griffin_lim_speaks(system: Path) -> None:
    shutil.rmtree(system / "vocoder")
    assert isinstance(SystemFolder(system, "cpu").speaker().vocoder, GriffinLim)


def test_missing_encoders_are_named(system: Path) -> None:
    shutil.rmtree(system / "face_encoder")
    with pytest.raises(InputError, match=r"no face encoder.*--face-encoder"):
        SystemFolder(system, "cpu").face_encoder()


def test_an_encoder_may_have_no_sampler(system: Path) -> None:
    folder = SystemFolder(system, "cpu")
    encoder, _ = folder.face_encoder()
    lineage = {"speech_tts": folder.config.sha256}
    save_model(system / "face_encoder", "face_encoder", {"face_encoder": encoder}, lineage=lineage)
    encoder, sampler = folder.face_encoder()
    assert isinstance(encoder, FaceEncoder) and sampler is None


def test_other_lineage_is_refused(system: Path) -> None:
    save_face_encoder(system / "face_encoder", "ab" * 32)
    with pytest.raises(InputError, match="was trained with the stage-1 weights abab"):
        SystemFolder(system, "cpu").face_encoder()
    save_speech_tts(system / "speech_tts", seed=9)
    with pytest.raises(InputError, match="was trained with the stage-1 weights"):
        SystemFolder(system, "cpu").prompt_encoder()


def test_directions_belong_to_their_space(system: Path) -> None:
    folder = SystemFolder(system, "cpu")
    path = system / "directions.safetensors"
    Directions({"pitch": np.ones(256)}, folder.config.sha256).save(path)
    assert list(folder.directions()) == ["pitch"]
    Directions({"pitch": np.ones(256)}, "ab" * 32).save(path)
    with pytest.raises(InputError, match="other stage-1 weights"):
        folder.directions()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"symbols": ["a", "b"]}, "other phonemes"),
        ({"mel": {"n_mels": 40}}, "does not fit its own mel"),
        ({"mel": {"sample_rate": 12000}}, "unusable mel settings"),
        ({"mel": {"sample_rate": 22050}}, "another kind of mel"),
        ({"mel": {"n_fft": 10**12}}, "unusable mel settings"),
        ({"mel": {"volume": 11}}, "unusable mel settings"),
        ({"mel": [1]}, "unusable mel settings"),
        ({"mel": {"hop_length": 128}}, "another kind of mel"),
    ],
)
def test_models_of_another_kind_of_input_are_refused(
    system: Path, extra: dict, message: str
) -> None:
    config = load_config(system / "speech_tts", "speech_tts")
    model = load_network(system / "speech_tts", config, "acoustic_model", AcousticModel)
    save_model(system / "speech_tts", "speech_tts", {"acoustic_model": model}, extra=extra)
    with pytest.raises(InputError, match=message):
        SystemFolder(system, "cpu").speaker()


def test_a_part_in_the_wrong_place_is_refused(system: Path) -> None:
    shutil.rmtree(system / "speech_tts")
    save_vocoder(system / "speech_tts")
    with pytest.raises(InputError, match="a vocoder model, but a speech_tts model is needed"):
        SystemFolder(system, "cpu")


def test_places_that_are_no_system(system: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one part of a system"):
        find_system(system / "vocoder")
    with pytest.raises(InputError, match=r"python -m mmtts\.bundle"):
        find_system(tmp_path)
    with pytest.raises(InputError, match="no model folder models/absent"):
        find_system("models/absent")
    with pytest.raises(InputError, match="no model folder /absent"):
        find_system("/absent")


def test_a_hub_id_downloads_data_only(system: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        if name.endswith("absent"):
            raise RuntimeError("404")
        return str(system)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert find_system("someone/lab") == system
    assert asked == [("someone/lab", ["*.json", "*.safetensors", "*.md", "lexicon.*"])]
    with pytest.raises(InputError, match="neither a folder here nor a model that the hub gives"):
        find_system("someone/absent")


def test_default_model(system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMTTS_MODEL", raising=False)
    monkeypatch.setattr("mmtts.synthesis.system_folder.OWN_MODELS", tmp_path / "own")
    with pytest.raises(InputError, match="MMTTS_MODEL"):
        default_model()
    shutil.copytree(system, tmp_path / "models" / "tiny")
    assert default_model() == "models/tiny"
    shutil.copytree(system, tmp_path / "own" / "starter")
    assert default_model() == str(tmp_path / "own" / "starter")
    assert find_system("starter") == tmp_path / "own" / "starter"
    assert Synthesizer.from_pretrained().sample_rate == 16000
    monkeypatch.setenv("MMTTS_MODEL", "elsewhere")
    assert default_model() == "elsewhere"
