"""Frame windows: where in a clip each phoneme may lie, from a recognizer's word times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmtts.text.symbols import MARKERS


def frame_windows(
    phonemes: np.ndarray,
    words: Sequence[tuple[float, float]] | None,
    num_frames: int,
    *,
    frames_per_second: float,
    slack: int = 6,
) -> tuple[np.ndarray, np.ndarray]:
    """Bound the frames of each phoneme.

    A phoneme lies within its word plus ``slack`` frames on either side; a gap token, and silence at
    the ends, within the pause between its neighbors plus the same slack. The whole clip is allowed
    where there are no word times, or where they do not match the words of the phonemes. Windows are
    widened just enough for a monotonic alignment with at least one frame for every phoneme.

    Args:
        phonemes: (N,) indices of a front end's symbols, N <= ``num_frames``.
        words: (start, end) in seconds of each spoken word.
        num_frames: T, length of the clip.
        frames_per_second: of the spectrogram.
        slack: in frames.

    Returns:
        ``first`` and ``last``, int64 (N,): phoneme n may own frames ``first[n] <= t < last[n]``.
    """
    first = np.zeros(len(phonemes), np.int64)
    last = np.full(len(phonemes), num_frames, np.int64)
    separators = (phonemes > 0) & (phonemes < len(MARKERS))
    # word_of[n]: how many words begin at or before token n.
    begins = ~separators & np.concatenate([[True], separators[:-1]])
    word_of = np.cumsum(begins)
    if words is None or word_of[-1] != len(words) or not _in_order(words):
        return first, last
    times = np.asarray(words, np.float64) * frames_per_second
    starts = np.clip(np.floor(times[:, 0]), 0, num_frames).astype(np.int64)
    ends = np.clip(np.ceil(times[:, 1]) + 1, 0, num_frames).astype(np.int64)
    starts, ends = np.append(starts, num_frames), np.insert(ends, 0, 0)
    # Word k (from 1) begins at starts[k - 1] and ends at ends[k]; a gap lies between the two.
    own = word_of - 1
    first = np.where(separators, ends[word_of], starts[own]) - slack
    last = np.where(separators, starts[word_of], ends[word_of]) + slack
    # The gap's window may not be empty where the words touch or overlap.
    first, last = np.minimum(first, last - 1), np.maximum(last, first + 1)
    return _widen(np.clip(first, 0, num_frames), np.clip(last, 0, num_frames), num_frames)


def _in_order(words: Sequence[tuple[float, float]]) -> bool:
    """Tell whether the times go forward."""
    times = np.asarray(words, np.float64)
    forward = (np.diff(times[:, 0]) >= 0).all() and (np.diff(times[:, 1]) >= 0).all()
    return bool(np.isfinite(times).all() and forward and (times[:, 0] <= times[:, 1]).all())


def _widen(first: np.ndarray, last: np.ndarray, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Widen windows until the alignment that starts each phoneme as early as allowed fits."""
    count = len(first)
    begin = np.empty(count + 1, np.int64)
    begin[0], begin[count] = 0, num_frames
    for n in range(1, count):
        # Room for one frame each is left to the phonemes that follow.
        begin[n] = min(max(first[n], begin[n - 1] + 1), num_frames - (count - n))
    return np.minimum(first, begin[:-1]), np.maximum(last, begin[1:])
