"""Noise suppression: less noise, the same speech, in time."""

import numpy as np
import pytest

from mmtts.audio.noise import suppress_noise

pytest.importorskip("pyrnnoise")


def harmonics(seconds: float, rate: int) -> np.ndarray:
    """A vowel-like sound between two silences."""
    t = np.arange(round(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 20))
    spoken = (t > 0.3 * seconds) & (t < 0.7 * seconds)
    return (0.1 * sound * spoken).astype(np.float32)


@pytest.mark.parametrize("rate", [16000, 24000])
def test_noise_goes_and_the_sound_stays_where_it_is(rate):
    clean = harmonics(3.0, rate)
    noise = 0.003 * np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    heard = suppress_noise(clean + noise, rate)
    assert heard.shape == clean.shape and heard.dtype == np.float32
    quarter = len(clean) // 4
    assert np.std(heard[:quarter]) < 0.3 * np.std(noise[:quarter])
    lags = range(-40, 41)
    middle = slice(int(0.4 * len(clean)), int(0.6 * len(clean)))
    match = [np.dot(np.roll(heard, lag)[middle], clean[middle]) for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 2


def test_an_empty_clip_stays_empty():
    assert suppress_noise(np.zeros(0, np.float32), 16000).shape == (0,)
