"""Decoding survives anything, and writing leaves nothing half-done."""

import math

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.audio.files import Audio, load_audio, read_audio, save_audio


def sine(seconds: float, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * math.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_saved_audio_loads_again(tmp_path, suffix):
    path = tmp_path / "new folder" / f"a{suffix}"
    assert save_audio(path, sine(0.3), 16000) == path
    np.testing.assert_allclose(load_audio(path, 16000), sine(0.3), atol=1 / 32000)
    assert soundfile.info(path).subtype == "PCM_16"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_audio_object(tmp_path):
    audio = Audio(sine(0.5, 8000), 8000)
    assert audio.seconds == 0.5
    assert soundfile.info(audio.save(tmp_path / "a.wav")).samplerate == 8000


def test_loud_samples_are_clipped_not_wrapped(tmp_path):
    path = save_audio(tmp_path / "a.wav", np.array([2.0, -2.0], np.float32), 16000)
    assert load_audio(path, 16000).tolist() == pytest.approx([1, -1], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("a.mp4", np.ones(5)),
        ("a", np.ones(5)),
        ("a.wav", np.array([math.nan])),
        ("a.wav", np.zeros(0)),
        ("a.wav", np.zeros((5, 2))),
    ],
)
def test_save_refuses(tmp_path, name, samples):
    with pytest.raises(InputError, match=name):
        save_audio(tmp_path / name, samples, 16000)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 44101])
def test_load_mixes_down_and_resamples(tmp_path, rate):
    tone = sine(0.5, rate, hertz=1000)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, np.zeros_like(tone)], 1), rate)
    wav = load_audio(tmp_path / "a.wav", 16000)
    assert wav.dtype == np.float32 and abs(len(wav) - 8000) <= 1
    middle = slice(1000, 7000)
    np.testing.assert_allclose(wav[middle], 0.5 * sine(0.5, hertz=1000)[middle], atol=2e-3)


def test_a_file_is_read_at_its_own_rate(tmp_path):
    soundfile.write(tmp_path / "a.flac", sine(0.5, 22050), 22050)
    audio = read_audio(tmp_path / "a.flac")
    assert (audio.sample_rate, len(audio.samples)) == (22050, 11025)


def test_load_reads_ogg(tmp_path):
    soundfile.write(tmp_path / "a.ogg", sine(1.0), 16000)
    assert len(load_audio(tmp_path / "a.ogg", 16000)) == 16000


def test_load_refuses_what_is_not_audio(tmp_path):
    (tmp_path / "text.wav").write_text("This is no audio.")
    (tmp_path / "zero.wav").touch()
    (tmp_path / "raw.raw").write_bytes(bytes(1000))
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16000)
    soundfile.write(tmp_path / "nan.wav", np.array([0, math.nan]), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "inf.wav", np.array([0, math.inf]), 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "rate.wav", np.zeros(10), 50)
    soundfile.write(tmp_path / "fast.wav", np.zeros(10), 2_000_000)
    soundfile.write(tmp_path / "long.wav", np.zeros(4000 * 3601, np.int16), 4000)
    (tmp_path / "folder.wav").mkdir()
    for path in [*tmp_path.iterdir(), tmp_path / "missing.wav"]:
        with pytest.raises(InputError, match=path.name):
            load_audio(path, 16000)


def test_load_survives_a_truncated_file(tmp_path):
    save_audio(tmp_path / "a.flac", sine(2.0), 16000)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    try:
        wav = load_audio(tmp_path / "a.flac", 16000)
    except InputError:
        return
    assert 0 < len(wav) <= 32000


@given(st.binary(max_size=300), st.sampled_from(["", ".wav", ".flac", ".mp3", ".ogg", ".raw"]))
@settings(max_examples=60, deadline=None)
def test_load_of_any_bytes_is_audio_or_one_sentence(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    path.write_bytes(content)
    try:
        assert np.isfinite(load_audio(path, 16000)).all()
    except InputError as error:
        sentence = str(error)
    else:
        return
    assert str(path) in sentence
