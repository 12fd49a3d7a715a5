"""Audio: decoding survives anything, loudness is what it says, mel equals librosa's."""

import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.audio.files import Audio, load_audio, save_audio
from mmtts.audio.loudness import active_rms_db, normalize_loudness, trim_silence
from mmtts.audio.mel import MelSpectrogram, mel_filters
from mmtts.audio.resampling import resample

torch.set_num_threads(1)


def sine(seconds: float, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * math.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize(("n_mels", "f_min", "f_max"), [(80, 0, 8000), (40, 20, 7600)])
def test_filters_equal_librosa(n_mels, f_min, f_max):
    import librosa

    expected = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=n_mels, fmin=f_min, fmax=f_max)
    np.testing.assert_allclose(
        mel_filters(16000, 1024, n_mels, f_min, f_max), expected.T, atol=1e-7
    )


def test_mel_equals_librosa():
    import librosa

    wav = np.random.default_rng(0).normal(0, 0.1, 20000).astype(np.float32)
    wav[5000:9000] = 0.0
    expected = librosa.feature.melspectrogram(
        y=wav, sr=16000, n_fft=1024, hop_length=256, n_mels=80, fmax=8000, power=1.0
    )
    mel = MelSpectrogram()(torch.from_numpy(wav)[None])[0]
    np.testing.assert_allclose(mel.numpy(), np.log(np.maximum(expected, 1e-5)).T, atol=2e-4)


@pytest.mark.parametrize("samples", [1, 100, 255, 256, 257, 5120])
def test_mel_frames(samples):
    assert MelSpectrogram()(torch.zeros(2, samples)).shape == (2, 1 + samples // 256, 80)


def test_mel_of_silence_is_the_floor():
    assert MelSpectrogram()(torch.zeros(1, 4000)).unique().tolist() == [
        pytest.approx(math.log(1e-5))
    ]


def test_mel_of_a_clip_does_not_depend_on_its_padding():
    wav = torch.from_numpy(sine(1.0))[None]
    alone = MelSpectrogram()(wav)
    padded = MelSpectrogram()(torch.nn.functional.pad(wav, (0, 7000)))
    torch.testing.assert_close(padded[:, : alone.shape[1]], alone)


def test_mel_gradient_is_finite_in_silence():
    wav = torch.zeros(1, 2000, requires_grad=True)
    MelSpectrogram()(wav).sum().backward()
    assert torch.isfinite(wav.grad).all()


def test_mel_rebuilds_from_its_config_and_has_no_weights():
    mel = MelSpectrogram(n_mels=40, hop_length=200)
    assert MelSpectrogram(**mel.config).config == mel.config
    assert not mel.state_dict()


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_saved_audio_loads_again(tmp_path, suffix):
    path = tmp_path / "new folder" / f"a{suffix}"
    assert save_audio(path, sine(0.3), 16000) == path
    np.testing.assert_allclose(load_audio(path), sine(0.3), atol=1 / 32000)
    assert soundfile.info(path).subtype == "PCM_16"
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_audio_object(tmp_path):
    audio = Audio(sine(0.5, 8000), 8000)
    assert audio.seconds == 0.5
    assert soundfile.info(audio.save(tmp_path / "a.wav")).samplerate == 8000


def test_loud_samples_are_clipped_not_wrapped(tmp_path):
    path = save_audio(tmp_path / "a.wav", np.array([2.0, -2.0], np.float32), 16000)
    assert load_audio(path).tolist() == pytest.approx([1, -1], abs=1e-4)


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
    wav = load_audio(tmp_path / "a.wav")
    assert wav.dtype == np.float32 and abs(len(wav) - 8000) <= 1
    middle = slice(1000, 7000)
    np.testing.assert_allclose(wav[middle], 0.5 * sine(0.5, hertz=1000)[middle], atol=2e-3)


def test_resampling_removes_what_does_not_fit():
    assert np.abs(resample(sine(0.5, 48000, hertz=15000), 48000, 16000)[500:-500]).max() < 1e-3
    assert len(resample(np.ones(1, np.float32), 48000, 16000)) == 1


def test_load_reads_ogg(tmp_path):
    soundfile.write(tmp_path / "a.ogg", sine(1.0), 16000)
    assert len(load_audio(tmp_path / "a.ogg")) == 16000


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
            load_audio(path)


def test_load_survives_a_truncated_file(tmp_path):
    save_audio(tmp_path / "a.flac", sine(2.0), 16000)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    try:
        wav = load_audio(tmp_path / "a.flac")
    except InputError:
        return
    assert 0 < len(wav) <= 32000


@given(st.binary(max_size=300), st.sampled_from(["", ".wav", ".flac", ".mp3", ".ogg", ".raw"]))
@settings(max_examples=60, deadline=None)
def test_load_of_any_bytes_is_audio_or_one_sentence(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"a{suffix}"
    path.write_bytes(content)
    try:
        assert np.isfinite(load_audio(path)).all()
    except InputError as error:
        sentence = str(error)
    else:
        return
    assert str(path) in sentence


def test_level_of_a_sine_ignores_pauses():
    tone = sine(1.0, peak=1.0)
    assert active_rms_db(tone) == pytest.approx(-3.01, abs=0.01)
    assert active_rms_db(np.concatenate([tone, np.zeros(48000, np.float32)])) == pytest.approx(
        -3.01, abs=0.01
    )
    assert active_rms_db(np.zeros(1000, np.float32)) == -math.inf


@given(st.floats(0.01, 1.0), st.floats(-40, -10))
@settings(max_examples=30, deadline=None)
def test_normalized_loudness_is_the_target(peak, target):
    assert active_rms_db(normalize_loudness(sine(0.4, peak=peak), target)) == pytest.approx(
        target, abs=0.1
    )


def test_normalization_keeps_the_peak_and_silence():
    click = sine(1.0, peak=0.01)
    click[8000] = 1.0
    assert np.abs(normalize_loudness(click, 0.0)).max() <= 0.9901
    assert not normalize_loudness(np.zeros(100, np.float32)).any()


def test_trim_keeps_the_sound_and_a_margin():
    wav = np.zeros(48000, np.float32)
    wav[16000:32000] = sine(1.0)
    wav[3000] = 0.9  # a click is no speech
    trimmed = trim_silence(wav)
    assert 16000 + 2 * 1600 <= len(trimmed) <= 16000 + 2 * 1600 + 2 * 320
    np.testing.assert_allclose(normalize_loudness(trimmed).std(), trimmed.std() * 0.2, rtol=0.2)
    assert len(trim_silence(np.zeros(500, np.float32))) == 500


@given(st.integers(1, 5000), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_trim_returns_a_part(samples, seed):
    wav = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
    assert 0 < len(trim_silence(wav)) <= samples
