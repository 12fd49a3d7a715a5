"""From one sample rate to another."""

from __future__ import annotations

import numpy as np


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 (N,) by a band-limited filter; returns float32 (round(N * to / from),)."""
    if from_rate == to_rate:
        return np.ascontiguousarray(samples, dtype=np.float32)
    import soxr

    result = soxr.resample(np.asarray(samples, np.float32), from_rate, to_rate, quality="HQ")
    # A clip shorter than one output sample still counts as audio.
    return result.astype(np.float32, copy=False) if len(result) else np.zeros(1, np.float32)
