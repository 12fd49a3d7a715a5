"""The weights that come with the package: complete, small, licensed, and they speak."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from mmtts import Synthesizer
from mmtts.audio.manner import median_pitch
from mmtts.storage.hub import OWN_MODELS
from mmtts.storage.model_folder import load_config
from mmtts.synthesis.provenance import detect_mark
from mmtts.synthesis.system_folder import PARTS

STARTER = OWN_MODELS / "starter"
WOMEN = ("amber", "clover", "hazel", "heather", "maple")
MEN = ("birch", "cedar", "flint", "rowan")
TEXT = "The girl at the booth sold fifty bonds."


@pytest.fixture(scope="module")
def starter() -> Synthesizer:
    return Synthesizer.from_pretrained(STARTER, "cpu")


def test_all_parts_are_there_and_small() -> None:
    for part in PARTS:
        assert load_config(STARTER / part, part).kind == part
        assert (STARTER / part / "LICENSES.md").is_file()
    files = [path for path in STARTER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 80e6
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".md"}


def test_large_tensors_are_in_half_precision() -> None:
    for path in STARTER.glob("*/*.safetensors"):
        with safe_open(path, framework="numpy") as stream:
            for key in stream.keys():  # noqa: SIM118
                tensor = stream.get_slice(key)
                assert tensor.get_dtype() != "F32" or np.prod(tensor.get_shape()) < 100_000, key


def test_what_learned_from_restricted_data_says_so() -> None:
    card = (STARTER / "MODEL_CARD.md").read_text("utf-8")
    terms = card.partition("## Parts")[0]
    assert "face_encoder, prompt_encoder: **for research only**" in terms
    assert "speech_tts, vocoder: may be published and used with attribution" in terms


@pytest.mark.slow
def test_a_dozen_voices_speak_like_women_and_men(starter: Synthesizer) -> None:
    assert len(starter.voices) >= 12
    pitch = {}
    for name in (*WOMEN, *MEN):
        speech = starter(TEXT, starter.voice(name))
        assert 1.5 < speech.seconds < 6.0
        assert np.abs(speech.samples).max() > 0.1
        assert detect_mark(speech.samples, speech.sample_rate).marked
        pitch[name] = median_pitch(speech.samples, speech.sample_rate) or 0.0
    assert min(pitch[name] for name in WOMEN) > max(pitch[name] for name in MEN), pitch


@pytest.mark.slow
def test_a_clip_gives_back_a_voice_of_its_height(starter: Synthesizer, tmp_path: Path) -> None:
    for name in ("maple", "birch"):
        clip = tmp_path / f"{name}.wav"
        said = starter(TEXT, starter.voice(name))
        said.save(clip)
        copy = starter("Four hours of steady work faced us.", starter.voice(speech=clip))
        octaves = np.log2(
            (median_pitch(copy.samples, 16000) or 1) / (median_pitch(said.samples, 16000) or 1)
        )
        assert abs(octaves) < 0.35
