"""What a recording chain does to a clip: noise, and the band that microphone and line let through.

Used to make one recording sound like another, so that a network that listens to it learns the voice
and not the microphone (as in Snyder et al. 2018, X-vectors, section 3.3).
"""

from __future__ import annotations

import numpy as np

STEEPNESS = 8  # power of the edges: those of a Butterworth filter of order 4


def add_noise(samples: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise at a signal-to-noise ratio.

    Args:
        samples: float (N,).
        noise: float (N,).
        snr_db: mean power of the samples over that of the added noise, in dB.

    Returns:
        (N,); the samples themselves where one of the two is silent.
    """
    power, noise_power = np.mean(np.square(samples)), np.mean(np.square(noise))
    if power == 0 or noise_power == 0:
        return samples
    return samples + noise * np.sqrt(power / noise_power * 10 ** (-snr_db / 10))


def limit_band(samples: np.ndarray, sample_rate: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Weaken what lies below and above a band; its phase stays.

    The gain is that of a Butterworth filter of order 4 on either side: -3 dB at `low_hz` and at
    `high_hz`, and 24 dB an octave beyond.

    Args:
        samples: float (N,).
        sample_rate: in Hz.
        low_hz: lower edge; 0 keeps everything below.
        high_hz: upper edge.

    Returns:
        float (N,).
    """
    frequency = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    squared = 1.0 + (frequency / high_hz) ** STEEPNESS
    squared[1:] += (low_hz / frequency[1:]) ** STEEPNESS
    gain = 1.0 / np.sqrt(squared)
    if low_hz > 0:
        gain[0] = 0.0
    return np.fft.irfft(np.fft.rfft(samples) * gain, len(samples))
