import numpy as np
import pytest

from mmtts.metrics.quality import (
    Dnsmos,
    intelligibility,
    mel_cepstral_distortion,
    perceptual_quality,
    same_length,
)

TEXT = "Rain falls on the road, and they read a long letter."


def test_distortion_by_hand():
    rng = np.random.default_rng(0)
    mel = rng.normal(size=(5, 80))
    assert mel_cepstral_distortion(mel, mel) == 0.0
    # Loudness shifts every log band alike and touches only coefficient 0, which does not count.
    assert mel_cepstral_distortion(mel, mel + 3.0) == pytest.approx(0.0, abs=1e-9)
    # One cosine of coefficient 1 with amplitude a changes that coefficient alone, by a sqrt(M / 2).
    bands = np.cos(np.pi * (np.arange(80) + 0.5) / 80)
    expected = 10 / np.log(10) * np.sqrt(2) * 0.5 * np.sqrt(40)
    assert mel_cepstral_distortion(mel, mel + 0.5 * bands) == pytest.approx(expected)
    assert np.isnan(mel_cepstral_distortion(mel[:0], mel))


def test_clips_are_cut_to_the_shorter_one():
    one, other = same_length(np.ones(5), np.ones(3))
    assert (len(one), len(other)) == (3, 3)


def test_a_copy_is_perfect_and_noise_makes_it_worse(speak):
    clean = speak(TEXT)
    noise = np.random.default_rng(0).normal(0, 0.05, len(clean)).astype(np.float32)
    assert perceptual_quality(clean, clean) > 4.5
    assert perceptual_quality(clean, clean + noise) < 3.0
    assert intelligibility(clean, clean) == pytest.approx(1.0)
    assert intelligibility(clean, clean + noise) < 0.99


def test_what_holds_no_speech_has_no_quality():
    silence = np.zeros(16_000, np.float32)
    assert np.isnan(perceptual_quality(silence, silence))
    assert np.isnan(intelligibility(silence[:1600], silence[:1600]))


@pytest.mark.slow
def test_dnsmos_hears_noise(speak):
    judge = Dnsmos()
    clean = speak(TEXT)
    noise = np.random.default_rng(0).normal(0, 0.05, len(clean)).astype(np.float32)
    good, bad = judge.score(clean), judge.score(clean + noise)
    assert set(good) == {"overall", "signal", "background", "p808"}
    assert good["background"] > bad["background"] + 0.5
    assert all(1.0 <= score <= 5.0 for score in good.values())
    assert np.isnan(judge.score(clean[:0])["overall"])
