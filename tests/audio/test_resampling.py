"""Resampling keeps what fits and removes what does not."""

import math

import numpy as np
import pytest
import torch
from torchaudio.transforms import Resample

from mmtts.audio.resampling import resample


def sine(seconds: float, rate: int = 16000, hertz: float = 440.0, peak: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * math.pi * hertz * time)).astype(np.float32)


def test_resampling_removes_what_does_not_fit():
    assert np.abs(resample(sine(0.5, 48000, hertz=15000), 48000, 16000)[500:-500]).max() < 1e-3
    assert len(resample(np.ones(1, np.float32), 48000, 16000)) == 1


@pytest.mark.parametrize(
    ("rate", "wanted"), [(16000, 24000), (44100, 16000), (22050, 24000), (44101, 16000)]
)
def test_a_tone_keeps_its_frequency_and_level(rate, wanted):
    found = resample(sine(0.5, rate, hertz=1000.0), rate, wanted)
    assert found.dtype == np.float32 and abs(len(found) - wanted // 2) <= 1
    middle = slice(1000, wanted // 2 - 1000)
    np.testing.assert_allclose(found[middle], sine(0.5, wanted, hertz=1000.0)[middle], atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "wanted"), [(48000, 16000), (24000, 16000), (16000, 24000), (44100, 16000)]
)
@pytest.mark.parametrize("length", [1, 100, 20_001])
def test_it_is_the_filter_of_torchaudio(rate, wanted, length):
    samples = np.random.default_rng(0).normal(size=length).astype(np.float32)
    reference = Resample(
        rate,
        wanted,
        resampling_method="sinc_interp_kaiser",
        lowpass_filter_width=64,
        rolloff=0.9475937167399596,
        beta=14.769656459379492,
    )(torch.from_numpy(samples))
    np.testing.assert_allclose(resample(samples, rate, wanted), reference.numpy(), atol=2e-5)
