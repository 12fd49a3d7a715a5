"""Noise has the asked level, and a band lets through what lies in it."""

import numpy as np
import pytest

from mmtts.audio.recording_chain import add_noise, limit_band

RATE = 16_000


def tone(hz: float) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)


def gain_db(low: float, high: float, hz: float) -> float:
    return 20 * np.log10(np.std(limit_band(tone(hz), RATE, low, high)) / np.std(tone(hz)))


@pytest.mark.parametrize("snr_db", [-3.0, 0.0, 20.0])
def test_noise_has_the_asked_level(snr_db):
    rng = np.random.default_rng(0)
    samples, noise = 0.1 * tone(200), rng.standard_normal(RATE)
    added = add_noise(samples, noise, snr_db) - samples
    found = 10 * np.log10(np.mean(samples**2) / np.mean(added**2))
    assert found == pytest.approx(snr_db)
    assert np.corrcoef(added, noise)[0, 1] == pytest.approx(1.0)


def test_silence_stays_silent_and_silent_noise_adds_nothing():
    samples = tone(100)
    assert np.array_equal(add_noise(samples, np.zeros(RATE), 0.0), samples)
    assert not add_noise(np.zeros(RATE), samples, 0.0).any()


def test_the_edges_of_a_band_lose_three_decibels():
    assert gain_db(0, 3000, 3000) == pytest.approx(-10 * np.log10(2), abs=0.01)
    assert gain_db(300, 8000, 300) == pytest.approx(-10 * np.log10(2), abs=0.01)


def test_inside_a_band_nothing_is_lost_and_an_octave_outside_24_decibels():
    assert gain_db(100, 6000, 1000) == pytest.approx(0.0, abs=0.01)
    assert gain_db(0, 2000, 4000) == pytest.approx(-24.1, abs=0.1)
    assert gain_db(400, 8000, 200) == pytest.approx(-24.1, abs=0.1)


def test_a_lower_edge_takes_the_constant_part_away():
    assert abs(limit_band(np.ones(RATE), RATE, 20, 8000)).max() < 1e-9
    assert limit_band(np.ones(RATE), RATE, 0, 8000) == pytest.approx(np.ones(RATE))
