"""What was exported says the same as torch, and numpy's transform is torch's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_system import STYLE_DIM

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.spectrum import Spectrum as TorchSpectrum
from mmtts.exporting.onnx_folder import export_system
from mmtts.onnx import OnnxSynthesizer
from mmtts.onnx.folder import is_exported, read_config
from mmtts.onnx.spectrum import Spectrum
from mmtts.synthesis.provenance import detect_mark
from mmtts.synthesis.system_folder import SystemFolder

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
        ("ben", {"steps": 0}),
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
def test_a_system_without_a_flow_decoder_speaks_its_prior(plain_system: Path) -> None:
    out = plain_system.parent / "exported"
    export_system(SystemFolder(plain_system, "cpu"), out)
    assert not (out / "flow_step.onnx").exists() and is_exported(out)
    ours, theirs = OnnxSynthesizer.from_folder(out, 1), Synthesizer.from_pretrained(plain_system)
    space = read_config(out).style_space
    voice = Voice(np.random.default_rng(0).normal(size=STYLE_DIM), {}, space)
    expected = theirs(TEXT, voice).samples
    np.testing.assert_allclose(ours(TEXT, voice).samples, expected, atol=1e-3)


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
        ("Hello.", {"steps": -1}, "steps must be from 0 to 100"),
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


@pytest.mark.slow
def test_rows_of_other_lengths_do_not_change_a_row(onnx_speech: OnnxSynthesizer) -> None:
    """The graphs take batches, although the synthesizer speaks one sentence after the other."""
    encode_text = onnx_speech._graphs["text_encoder"]
    style = np.stack([onnx_speech.voice(name).vector for name in ("anna", "ben")])
    inputs = {
        "phonemes": np.array([[1, 20, 30, 2, 20, 1, 0, 0], [1, 11, 30, 2, 20, 44, 30, 1]]),
        "phoneme_lens": np.array([6, 8]),
        "style": style,
        "accents": np.array([0, 1]),
        "pace": np.ones((2, 8), np.float32),
    }
    durations, hidden, prior, z = encode_text(**inputs)
    alone = {name: value[:1] for name, value in inputs.items()}
    alone |= {name: alone[name][:, :6] for name in ("phonemes", "pace")}
    durations_alone, hidden_alone, prior_alone, z_alone = encode_text(**alone)
    assert durations[0].tolist() == [*durations_alone[0].tolist(), 0, 0]
    np.testing.assert_allclose(hidden[:1, :6], hidden_alone, atol=1e-5)
    np.testing.assert_allclose(prior[:1, :6], prior_alone, atol=1e-5)
    np.testing.assert_allclose(z[:1], z_alone, atol=1e-6)

    paths = [np.repeat(np.arange(len(row)), row) for row in durations]
    frames = max(len(path) for path in paths)
    path = np.stack([np.pad(path, (0, frames - len(path)), mode="edge") for path in paths])
    lay = onnx_speech._graphs["frame_prior"]
    [both] = lay(durations=durations, hidden=hidden, prior=prior, z=z, path=path)
    [first] = lay(durations=durations_alone, hidden=hidden_alone, prior=prior_alone, z=z_alone,
                  path=paths[0][None])  # fmt: skip
    np.testing.assert_allclose(both[:1, : len(paths[0])], first, atol=1e-4)


@pytest.mark.slow
def test_the_files_tell_what_they_are_in_the_words_of_sherpa_onnx(exported: Path) -> None:
    import onnx

    for path in exported.glob("*.onnx"):
        model = onnx.load(path)
        facts = {item.key: item.value for item in model.metadata_props}
        assert facts["model_type"] == "mmtts" and facts["sample_rate"] == "16000"
        assert facts["n_speakers"] == "0" and facts["language"] == "English"
        assert (facts["n_fft"], facts["hop_length"], facts["num_mels"]) == ("1024", "256", "80")
        assert b"location" not in path.read_bytes()
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


@pytest.mark.slow
def test_eight_bits_are_smaller_and_say_nearly_the_same(
    exported: Path, onnx_speech: OnnxSynthesizer, tmp_path: Path
) -> None:
    import shutil

    from mmtts.exporting.int8 import QUANTIZED, quantize
    from mmtts.onnx.folder import read_config, write_config

    shutil.copytree(exported, tmp_path / "int8")
    for name in QUANTIZED:
        quantize(tmp_path / "int8" / f"{name}.onnx")
    config = read_config(exported)._asdict()
    write_config(
        tmp_path / "int8", {k: v for k, v in config.items() if k not in ("folder", "graphs")}
    )
    sizes = [(f / "vocoder.onnx").stat().st_size for f in (exported, tmp_path / "int8")]
    assert sizes[1] < 0.6 * sizes[0]
    voice = onnx_speech.voice("anna")
    whole = onnx_speech(TEXT, voice)
    eighth = OnnxSynthesizer.from_folder(tmp_path / "int8", 1)(TEXT, voice)
    assert abs(eighth.seconds / whole.seconds - 1) < 0.1
    level = [np.sqrt(np.mean(np.square(speech.samples))) for speech in (whole, eighth)]
    assert abs(level[1] / level[0] - 1) < 0.1


@pytest.mark.slow
def test_the_benchmark_measures_it_beside_its_original(
    accented_system: Path, exported: Path, tmp_path: Path
) -> None:
    from mmtts.benchmarking.contestants import make_systems
    from mmtts.benchmarking.worker_process import WorkerProcess

    voice = str(accented_system / "ben.safetensors")
    folders = [str(exported), str(accented_system)]
    ours, original = make_systems(folders, [2], voice, "", tmp_path)
    assert (ours.name, ours.module) == ("exported", "onnx_talker")
    assert (original.name, original.module) == ("system", "system_talker")
    [ready] = make_systems(folders[:1], [2], None, "", tmp_path)
    assert Path(ready.options["voice"]).name == "anna.safetensors"
    with WorkerProcess(ready, 1) as worker:
        worker.ask("Hello.", 2)
        assert worker.wait_for("spoken").facts["speech"] > 0.3
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in exported.iterdir():
        if path.is_file():
            (bare / path.name).symlink_to(path)
    with pytest.raises(InputError, match="has no ready voice; name its original too, or say voice"):
        make_systems([str(bare)], [2], None, "", tmp_path)
