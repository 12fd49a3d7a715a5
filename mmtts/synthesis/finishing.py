"""What every utterance gets at the end: a level, soft edges, the mark. Nothing here needs torch."""

from __future__ import annotations

import numpy as np

from mmtts.audio.loudness import STANDARD_DB, normalize_loudness
from mmtts.synthesis.provenance import embed_mark

PEAK = 0.97  # leaves room for what a lossy format adds
PAUSE_SECONDS = 0.2  # between sentences at pace 1
FADE_SECONDS = 0.005


def finish(
    sound: np.ndarray,
    sample_rate: int,
    position: int,
    pause: float = 0.0,
    loudness: float = 0.0,
    gain: np.ndarray | None = None,
) -> np.ndarray:
    """Make raw samples presentable.

    Args:
        sound: Raw samples (S,).
        sample_rate: In Hz.
        position: Samples that came before in the same recording; the mark goes on from there.
        pause: Silence in front, in s.
        loudness: dB above the standard level of -23 dB.
        gain: How much louder than that each sample is, factors (S,).

    Returns:
        float32 (N,): pause and sound, leveled, faded at the ends, marked, peak-safe: a loud sound
        is only as loud as its highest peak allows.
    """
    target = STANDARD_DB + loudness
    sound = normalize_loudness(sound, sample_rate, target, peak=PEAK).copy()
    if gain is not None:
        sound *= gain
    fade = min(int(FADE_SECONDS * sample_rate), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    silence = np.zeros(int(pause * sample_rate), np.float32)
    marked = embed_mark(np.concatenate([silence, sound]), sample_rate, position)
    return marked * min(1.0, PEAK / max(float(np.abs(marked).max(initial=0.0)), PEAK))
