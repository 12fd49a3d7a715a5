"""Pitch, pace and energy of signals whose values are known."""

import numpy as np
import pytest

from mmtts.audio.manner import count_energy_peaks, measure, median_pitch, speaking_pace

pytest.importorskip("pyworld")
RATE = 16000


def harmonic(pitch: float, seconds: float, level: float = 0.1) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 9))
    return (level * wave).astype(np.float32)


def bumps(count: int, seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    envelope = 0.001 + np.square(np.sin(np.pi * count * time / seconds))
    return (envelope * harmonic(120, seconds)).astype(np.float32)


@pytest.mark.parametrize("pitch", [90.0, 150.0, 240.0, 380.0])
def test_pitch_of_a_harmonic_tone(pitch):
    assert median_pitch(harmonic(pitch, 0.6), RATE) == pytest.approx(pitch, rel=0.02)


def test_silence_and_noise_have_no_pitch():
    noise = 0.1 * np.random.default_rng(0).standard_normal(8000)
    assert median_pitch(np.zeros(8000), RATE) is None
    assert median_pitch(noise, RATE) is None
    assert median_pitch(np.zeros(10), RATE) is None


def test_pace_is_phones_per_second_of_sound():
    padded = np.concatenate([np.zeros(RATE), harmonic(120, 2.0), np.zeros(RATE)])
    assert speaking_pace(padded, RATE, n_phones=20) == pytest.approx(10.0, rel=0.03)


def test_energy_peaks_stand_in_for_syllables():
    assert count_energy_peaks(bumps(7, 2.0), RATE) == 7
    slow, fast = speaking_pace(bumps(4, 2.0), RATE), speaking_pace(bumps(12, 2.0), RATE)
    assert fast == pytest.approx(3 * slow, rel=0.15)


def test_energy_follows_the_level():
    loud, soft = measure(harmonic(120, 1.0, 0.2), RATE), measure(harmonic(120, 1.0, 0.02), RATE)
    assert loud.energy_db - soft.energy_db == pytest.approx(20.0, abs=0.1)
    assert loud.pitch_hz == pytest.approx(soft.pitch_hz, rel=1e-4)
    assert measure(np.zeros(RATE), RATE) == (None, None, None)
