"""Noise suppression of recordings before training, by RNNoise (Valin 2018, arXiv 1709.08243)."""

from __future__ import annotations

import numpy as np

from mmtts import InputError
from mmtts.audio.resampling import resample

RNNOISE_RATE = 48_000  # Hz, the only one that it knows
_DELAY = 960  # samples that what comes out lies behind what went in


def suppress_noise(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Take steady noise out of a recording of speech.

    Args:
        samples: float (N,), in [-1, 1].
        sample_rate: in Hz.

    Returns:
        float32 (N,), in time with the recording.

    Raises:
        InputError: The package `pyrnnoise` is not installed.
    """
    try:
        from pyrnnoise import RNNoise
    except ImportError as error:
        raise InputError(f"pyrnnoise cannot be used: {error}; pip install pyrnnoise") from error
    if not len(samples):
        return samples.astype(np.float32)
    loud = resample(samples, sample_rate, RNNOISE_RATE)
    pcm = (np.clip(np.pad(loud, (0, _DELAY)), -1.0, 1.0) * 32767.0).astype(np.int16)
    frames = [frame for _, frame in RNNoise(RNNOISE_RATE).denoise_chunk(pcm, partial=True)]
    clean = np.concatenate(frames, axis=1)[0, _DELAY:].astype(np.float32) / 32768.0
    clean = resample(clean[: len(loud)], RNNOISE_RATE, sample_rate)[: len(samples)]
    return np.pad(clean, (0, len(samples) - len(clean)))
