"""The mel is librosa's, does not depend on padding, and refuses bands that cannot be."""

import math

import numpy as np
import pytest
import torch

from mmtts.audio.mel import MelSpectrogram

HIGH = {"sample_rate": 24000, "n_fft": 1536, "hop_length": 384, "n_mels": 96, "f_max": 12000.0}


def sine(seconds: float, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * math.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize(("n_mels", "f_min", "f_max"), [(80, 0, 8000), (40, 20, 7600)])
def test_filters_equal_librosa(n_mels, f_min, f_max):
    import librosa

    expected = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=n_mels, fmin=f_min, fmax=f_max)
    filters = MelSpectrogram(n_mels=n_mels, f_min=f_min, f_max=f_max).filters
    np.testing.assert_allclose(filters.numpy(), expected.T, atol=2e-7)


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


@pytest.mark.parametrize("settings", [{}, HIGH])
def test_a_tone_lights_the_band_of_its_frequency_at_any_rate(settings):
    mel = MelSpectrogram(**settings)
    tone = torch.from_numpy(sine(0.5, mel.sample_rate, hertz=1000.0))[None]
    loudest = int(mel(tone)[0, 5:-5].mean(0).argmax())
    center = (mel.filters * torch.linspace(0, mel.sample_rate / 2, len(mel.filters))[:, None]).sum(
        0
    )
    center = center / mel.filters.sum(0)
    assert abs(float(center[loudest]) - 1000.0) < 25.0
    assert mel.frames_per_second == 62.5


def test_bands_beyond_half_the_sample_rate_are_refused():
    with pytest.raises(ValueError, match="24000 Hz or more"):
        MelSpectrogram(f_max=12000.0)
