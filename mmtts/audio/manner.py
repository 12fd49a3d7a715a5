"""Pitch, pace and energy, measured on the audio itself.

The recipes measure every clip once and keep the numbers in its supervision, so that training never
measures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mmtts.audio.loudness import active_rms_db, trim_silence

PITCH_FLOOR, PITCH_CEILING = 60.0, 500.0
# Median of (phones / energy peaks) over the 4,900 transcribed clips of the lab recipe's corpora.
# It puts clips without a text on the scale of phones per second.
PHONES_PER_PEAK = 2.5
_MIN_VOICED_FRAMES = 10
_MIN_SECONDS = 0.1


class Measurements(NamedTuple):
    """What the audio says about the manner of speaking.

    Attributes:
        pitch_hz: Median fundamental frequency of the voiced frames, None when hardly voiced.
        pace: Phones per second of the time from the first sound to the last, None for silence.
        energy_db: Level of the active frames, dB relative to full scale, None for silence.
    """

    pitch_hz: float | None
    pace: float | None
    energy_db: float | None


def measure(samples: np.ndarray, sample_rate: int, n_phones: int | None = None) -> Measurements:
    """Measure one clip.

    Args:
        samples: float (N,), in [-1, 1].
        sample_rate: In Hz.
        n_phones: Phones spoken, when the text is known; otherwise peaks of the energy stand in.
    """
    level = active_rms_db(samples, sample_rate)
    return Measurements(
        median_pitch(samples, sample_rate),
        speaking_pace(samples, sample_rate, n_phones),
        level if np.isfinite(level) else None,
    )


def median_pitch(samples: np.ndarray, sample_rate: int) -> float | None:
    """Return the median F0 in Hz (pyworld's DIO, 60 to 500 Hz), or None when hardly voiced.

    DIO is 20 times faster than Harvest and the medians agree within 2 % on read speech.
    """
    import pyworld

    if len(samples) < _MIN_SECONDS * sample_rate:
        return None
    pitch, _ = pyworld.dio(
        np.asarray(samples, np.float64),
        sample_rate,
        f0_floor=PITCH_FLOOR,
        f0_ceil=PITCH_CEILING,
        frame_period=10.0,
    )
    voiced = pitch[pitch > 0]
    return float(np.median(voiced)) if len(voiced) >= _MIN_VOICED_FRAMES else None


def speaking_pace(
    samples: np.ndarray, sample_rate: int, n_phones: int | None = None
) -> float | None:
    """Return phones per second between the first and the last sound, or None for silence."""
    if not np.isfinite(active_rms_db(samples, sample_rate)):
        return None
    spoken = trim_silence(samples, sample_rate, keep_seconds=0.0)
    seconds = len(spoken) / sample_rate
    if seconds < _MIN_SECONDS:
        return None
    if n_phones is None:
        return PHONES_PER_PEAK * count_energy_peaks(spoken, sample_rate) / seconds
    return n_phones / seconds


def count_energy_peaks(samples: np.ndarray, sample_rate: int) -> int:
    """Count peaks of the smoothed loudness, about one per syllable (de Jong and Wempe, 2009).

    A peak counts when it rises at least 2 dB above the valleys beside it and is at most 25 dB below
    the loudest one.
    """
    from scipy.signal import find_peaks

    hop = sample_rate // 100
    frames = np.square(samples[: len(samples) // hop * hop].astype(np.float64)).reshape(-1, hop)
    # 70 ms of smoothing hides the pitch periods and single phones, and keeps the syllables.
    power = np.convolve(frames.mean(axis=1), np.hanning(9)[1:-1] / np.hanning(9).sum(), mode="same")
    loudness = 10.0 * np.log10(power + 1e-9)
    if not len(loudness):
        return 0
    peaks, _ = find_peaks(np.pad(loudness, 1, constant_values=-90.0), prominence=2.0)
    return int(np.sum(loudness[peaks - 1] > loudness.max() - 25.0))
