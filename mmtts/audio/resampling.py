"""From one sample rate to another."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torchaudio.transforms import Resample

_LARGEST_TABLE = 1_000_000  # numbers in all phases of a filter
# The passband of the filter ends at 0.95 of the lower Nyquist frequency and its stopband lies at
# -100 dB: the "kaiser best" of resampy, of which torchaudio's documentation gives the constants.
_KAISER = {
    "resampling_method": "sinc_interp_kaiser",
    "lowpass_filter_width": 64,
    "rolloff": 0.9475937167399596,
    "beta": 14.769656459379492,
}


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample by a band-limited filter.

    It is torchaudio's, whose table of filters grows with the numbers of the ratio; ratios as odd as
    44,101 : 16,000 are librosa's, which takes seconds to load.

    Args:
        samples: float (N,).
        from_rate: in Hz.
        to_rate: in Hz.

    Returns:
        float32 (ceil(N * to / from),), at least one sample.
    """
    if from_rate == to_rate:
        return np.ascontiguousarray(samples, dtype=np.float32)
    divisor = math.gcd(from_rate, to_rate)
    if from_rate * to_rate // divisor**2 > _LARGEST_TABLE:
        import librosa

        found = librosa.resample(
            np.asarray(samples, np.float32), orig_sr=from_rate, target_sr=to_rate
        )
        return found if len(found) else np.zeros(1, np.float32)
    import torch

    with torch.no_grad():
        wav = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
        found = _resampler(from_rate, to_rate)(wav).numpy()
    return found if len(found) else np.zeros(1, np.float32)


@lru_cache(maxsize=8)
def _resampler(from_rate: int, to_rate: int) -> Resample:
    """The filter is expensive to make and small to keep."""
    from torchaudio.transforms import Resample

    return Resample(from_rate, to_rate, **_KAISER)
