"""What was exported says the same as torch, and numpy's transform is torch's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.spectrum import Spectrum as TorchSpectrum
from mmtts.onnx import OnnxSynthesizer
from mmtts.onnx.spectrum import Spectrum
from mmtts.synthesis.provenance import detect_mark

TEXT = "Hello, world. This is a longer sentence, with a pause in it!"


def noise_of_torch(seed: int):
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=generator).numpy()


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (512, 64)])
def test_the_transform_and_its_inverse_are_those_of_torch(n_fft: int, hop: int) -> None:
    samples = np.random.default_rng(0).normal(size=(2, 20 * hop)).astype(np.float32)
    ours, theirs = Spectrum(n_fft, hop), TorchSpectrum(n_fft, hop)
    expected = theirs(torch.from_numpy(samples))
    found = ours(samples)
    assert found.shape == (2, 21, n_fft // 2 + 1, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found, torch.view_as_real(expected).numpy(), atol=1e-4)
    changed = found * np.random.default_rng(1).uniform(size=found.shape).astype(np.float32)
    back = theirs.inverse(torch.view_as_complex(torch.from_numpy(changed)))
    np.testing.assert_allclose(ours.inverse(changed), back.numpy(), atol=1e-5)
    np.testing.assert_allclose(ours.inverse(found), samples, atol=1e-5)


@pytest.fixture(scope="module")
def torch_speech(accented_system: Path) -> Synthesizer:
    return Synthesizer.from_pretrained(accented_system, "cpu")


@pytest.fixture(scope="module")
def onnx_speech(exported: Path) -> OnnxSynthesizer:
    return OnnxSynthesizer.from_folder(exported, threads=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "manner"),
    [
        ("anna", {}),
        ("ben", {"steps": 1, "pace": 1.3, "seed": 7}),
        ("ben", {"accent": "learner", "loudness": -3.0, "pace": 0.7}),
    ],
)
def test_the_same_noise_gives_the_same_sound(
    torch_speech: Synthesizer, onnx_speech: OnnxSynthesizer, name: str, manner: dict
) -> None:
    voice = onnx_speech.voice(name)
    expected = torch_speech(TEXT, voice, **manner).samples
    found = onnx_speech(TEXT, voice, **manner, noise=noise_of_torch(manner.get("seed", 0)))
    assert found.sample_rate == torch_speech.sample_rate
    assert found.samples.shape == expected.shape
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found.samples, expected, atol=1e-3)


@pytest.mark.slow
def test_it_speaks_by_itself(onnx_speech: OnnxSynthesizer, accented_system: Path) -> None:
    assert onnx_speech.voices == ["anna", "ben"]
    assert onnx_speech.accents == ["native", "learner"]
    voice = onnx_speech.load_voice(accented_system / "ben.safetensors")
    assert voice == onnx_speech.voice("ben") and voice.loudness == 3.0
    speech = onnx_speech(TEXT, voice, seed=1)
    assert detect_mark(speech.samples, speech.sample_rate).marked
    assert np.array_equal(onnx_speech(TEXT, voice, seed=1).samples, speech.samples)
    assert not np.array_equal(onnx_speech(TEXT, voice, seed=2).samples, speech.samples)
    assert len(onnx_speech(TEXT, voice, pace=2.0).samples) < 0.6 * len(speech.samples)
    parts = list(onnx_speech.stream(TEXT, voice, seed=1))
    assert len(parts) == 2
    joined = np.concatenate([part.samples for part in parts])
    assert np.array_equal(joined, speech.samples)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "manner", "sentence"),
    [
        ("!?", {}, "nothing that can be spoken"),
        ("Hello.", {"accent": "martian"}, "knows no accent 'martian'; it knows native, learner"),
        ("Hello.", {"steps": 0}, "steps must be from 1 to 100"),
        ("Hello.", {"pace": float("nan")}, "pace must be"),
        ("Hello.", {"seed": -1}, "a seed is a whole number"),
    ],
)
def test_wrong_requests_are_refused(
    onnx_speech: OnnxSynthesizer, text: str, manner: dict, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        onnx_speech(text, onnx_speech.voice("anna"), **manner)


@pytest.mark.slow
def test_a_voice_of_another_model_is_refused(onnx_speech: OnnxSynthesizer, tmp_path: Path) -> None:
    other = Voice(np.ones(288), {}, "0" * 64)
    with pytest.raises(InputError, match="belongs to the style space 000000000000"):
        onnx_speech("Hello.", other)
    with pytest.raises(InputError, match="make the voice again with this model"):
        onnx_speech.load_voice(other.save(tmp_path / "other.safetensors"))
    with pytest.raises(InputError, match="belongs to the style space of no model"):
        onnx_speech("Hello.", Voice(np.ones(16)))
    with pytest.raises(InputError, match="has no voice named 'eve': it has anna, ben"):
        onnx_speech.voice("eve")
