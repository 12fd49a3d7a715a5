"""From one sample rate to another."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_LARGEST_TABLE = 16_000_000  # numbers in the matrix of a filter
# The passband of the filter ends at 0.95 of the lower Nyquist frequency and its stopband lies at
# -100 dB: the "kaiser best" of resampy, of which torchaudio's documentation gives the constants.
_ZEROS = 64  # of the sinc, on either side
_ROLLOFF = 0.9475937167399596
_BETA = 14.769656459379492


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample by a band-limited filter.

    It is torchaudio's, to rounding, in products of matrices that need no torch. They grow with the
    numbers of the ratio; ratios as odd as 44,101 : 16,000 are librosa's, which takes seconds to
    load.

    Args:
        samples: float (N,).
        from_rate: in Hz.
        to_rate: in Hz.

    Returns:
        float32 (ceil(N * to / from),), at least one sample.
    """
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if from_rate == to_rate:
        return samples
    divisor = math.gcd(from_rate, to_rate)
    old, new = from_rate // divisor, to_rate // divisor
    reach = math.ceil(_ZEROS * old / (min(old, new) * _ROLLOFF))
    turns = 1 + math.ceil(2 * reach / old)  # of the ratio in a row, so that a filter spans two rows
    if 2 * turns**2 * old * new > _LARGEST_TABLE:
        import librosa

        found = librosa.resample(samples, orig_sr=from_rate, target_sr=to_rate)
        return found if len(found) else np.zeros(1, np.float32)
    size = math.ceil(len(samples) * new / old)
    n_rows = math.ceil(size / (turns * new)) + 1
    padded = np.zeros(n_rows * turns * old, np.float32)
    kept = samples[: len(padded) - reach]
    padded[reach : reach + len(kept)] = kept
    rows = padded.reshape(n_rows, turns * old)
    first, second = _filters(old, new, reach, turns)
    found = (rows[:-1] @ first + rows[1:] @ second).ravel()[:size]
    return found if len(found) else np.zeros(1, np.float32)


@lru_cache(maxsize=8)
def _filters(old: int, new: int, reach: int, turns: int) -> np.ndarray:
    """Weights of two rows of old samples in one row of new ones: (2, turns * old, turns * new)."""
    cutoff = min(old, new) * _ROLLOFF / old  # of the old Nyquist frequency
    lag = np.arange(2 * turns * old)[:, None] - reach - np.arange(turns * new) * (old / new)
    place = np.clip(lag * cutoff, -_ZEROS, _ZEROS)
    window = np.i0(_BETA * np.sqrt(1 - np.square(place / _ZEROS))) / np.i0(_BETA)
    weights = cutoff * np.sinc(place) * window
    return weights.astype(np.float32).reshape(2, turns * old, turns * new)
