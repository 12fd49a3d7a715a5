"""The level of a clip, and the silence around it.

Both are ours: torchaudio's loudness needs 0.4 s of sound, which single words do not have, and
librosa's trimming counts a click as sound and takes seconds to load.
"""

from __future__ import annotations

import math

import numpy as np

STANDARD_DB = -23.0  # active level of stored clips, and of voices whose loudness is 0


def _frame_power(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean power (F,) of frames of 20 ms, one after the other; a shorter rest is padded."""
    length = max(1, sample_rate // 50)
    padded = np.pad(samples.astype(np.float64), (0, -len(samples) % length))
    return np.square(padded.reshape(-1, length)).mean(axis=1)


def active_rms_db(samples: np.ndarray, sample_rate: int) -> float:
    """Level of the active frames, gated in two steps like ITU-R BS.1770 but without its filter.

    Args:
        samples: (N,), in [-1, 1].
        sample_rate: in Hz.

    Returns:
        dB relative to full scale (a full-scale sine is at -3.01); ``-inf`` for silence.
    """
    power = _frame_power(np.asarray(samples), sample_rate)
    power = power[power > 1e-7]  # -70 dBFS
    if not len(power):
        return -math.inf
    active = power[power >= 0.1 * power.mean()]  # 10 dB below the mean
    return float(10.0 * np.log10(active.mean()))


def normalize_loudness(
    samples: np.ndarray,
    sample_rate: int,
    target_db: float = STANDARD_DB,
    *,
    peak: float = 0.99,
) -> np.ndarray:
    """Scale a clip so that its active level is ``target_db``, less where its peak would exceed.

    Args:
        samples: float (N,).
        sample_rate: in Hz.
        target_db: active level wanted, dB relative to full scale.
        peak: the highest absolute value allowed.

    Returns:
        float32 (N,); silence is returned as it is.
    """
    samples = np.asarray(samples, np.float32)
    level = active_rms_db(samples, sample_rate)
    if level == -math.inf:
        return samples
    gain = min(10.0 ** ((target_db - level) / 20.0), peak / float(np.abs(samples).max()))
    return (samples * np.float32(gain)).astype(np.float32)


def trim_silence(
    samples: np.ndarray,
    sample_rate: int,
    *,
    below_db: float = 35.0,
    keep_seconds: float = 0.1,
) -> np.ndarray:
    """Cut the silence before the first and after the last sound.

    Args:
        samples: (N,).
        sample_rate: in Hz.
        below_db: a frame is silent when it is so far below the clip's active level. Sounds shorter
            than 60 ms (clicks) count as silence.
        keep_seconds: what is left on either side.

    Returns:
        A view (M,) of ``samples``, M <= N; a clip that is silent throughout is returned as it is.
    """
    level = active_rms_db(samples, sample_rate)
    if level == -math.inf:
        return samples
    loud = _frame_power(np.asarray(samples), sample_rate) > 10.0 ** ((level - below_db) / 10.0)
    sustained = loud[:-2] & loud[1:-1] & loud[2:]
    where = np.flatnonzero(sustained)
    first, last = (where[0], where[-1] + 2) if len(where) else np.flatnonzero(loud)[[0, -1]]
    length, keep = max(1, sample_rate // 50), round(keep_seconds * sample_rate)
    start = max(0, int(first) * length - keep)
    return samples[start : (int(last) + 1) * length + keep]
