"""Loudness is what it says, and trimming keeps the sound."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.audio.loudness import active_rms_db, normalize_loudness, trim_silence


def sine(seconds: float, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * math.pi * hertz * time)).astype(np.float32)


def test_level_of_a_sine_ignores_pauses():
    tone = sine(1.0, peak=1.0)
    assert active_rms_db(tone, 16000) == pytest.approx(-3.01, abs=0.01)
    assert active_rms_db(
        np.concatenate([tone, np.zeros(48000, np.float32)]), 16000
    ) == pytest.approx(-3.01, abs=0.01)
    assert active_rms_db(np.zeros(1000, np.float32), 16000) == -math.inf


@given(st.floats(0.01, 1.0), st.floats(-40, -10))
@settings(max_examples=30, deadline=None)
def test_normalized_loudness_is_the_target(peak, target):
    assert active_rms_db(
        normalize_loudness(sine(0.4, peak=peak), 16000, target), 16000
    ) == pytest.approx(target, abs=0.1)


def test_normalization_keeps_the_peak_and_silence():
    click = sine(1.0, peak=0.01)
    click[8000] = 1.0
    assert np.abs(normalize_loudness(click, 16000, 0.0)).max() <= 0.9901
    assert not normalize_loudness(np.zeros(100, np.float32), 16000).any()


def test_trim_keeps_the_sound_and_a_margin():
    wav = np.zeros(48000, np.float32)
    wav[16000:32000] = sine(1.0)
    wav[3000] = 0.9  # a click is no speech
    trimmed = trim_silence(wav, 16000)
    assert 16000 + 2 * 1600 <= len(trimmed) <= 16000 + 2 * 1600 + 2 * 320
    np.testing.assert_allclose(
        normalize_loudness(trimmed, 16000).std(), trimmed.std() * 0.2, rtol=0.2
    )
    assert len(trim_silence(np.zeros(500, np.float32), 16000)) == 500


@given(st.integers(1, 5000), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_trim_returns_a_part(samples, seed):
    wav = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
    assert 0 < len(trim_silence(wav, 16000)) <= samples
