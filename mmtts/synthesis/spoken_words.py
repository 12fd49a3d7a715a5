"""Spoken words: when each word is heard, from the durations of its phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class SpokenWord(NamedTuple):
    """A word in a sound.

    Attributes:
        word: As it is said, numbers written out.
        start: In s from the beginning of the sound.
        end: In s, not before the start.
        mark: The punctuation mark behind it, or "".
    """

    word: str
    start: float
    end: float
    mark: str = ""


def locate_words(
    words: Sequence[tuple[str, str]],
    places: Sequence[range],
    durations: np.ndarray,
    frame_seconds: float,
    seconds: float,
) -> tuple[SpokenWord, ...]:
    """Find when words are heard.

    Args:
        words: Each with the mark behind it.
        places: Which symbols are each word's own.
        durations: Frames of each symbol (N,).
        frame_seconds: From one frame to the next.
        seconds: Length of the sound.

    Returns:
        The words that have sounds, in their order.
    """
    # A frame is centered on its time, so its first half lies before it.
    edges = (np.concatenate([[0], np.cumsum(durations)]) - 0.5) * frame_seconds
    edges = np.clip(edges, 0.0, seconds)
    return tuple(
        SpokenWord(word, float(edges[place.start]), float(edges[place.stop]), mark)
        for (word, mark), place in zip(words, places, strict=True)
        if place
    )


def shift_words(words: Sequence[SpokenWord], seconds: float) -> tuple[SpokenWord, ...]:
    """Return the same words that much later."""
    return tuple(
        word._replace(start=word.start + seconds, end=word.end + seconds) for word in words
    )


def gain_curve(
    words: Sequence[SpokenWord], decibels: Sequence[float], count: int, sample_rate: int
) -> np.ndarray:
    """Draw how loud each sample is: as its word is, and from one to the next between words.

    Args:
        words: In their order, at least one.
        decibels: Of each word.
        count: Samples.
        sample_rate: In Hz.

    Returns:
        Factors float32 (count,).
    """
    times = np.array([time for word in words for time in (word.start, word.end)])
    levels = np.repeat(np.asarray(decibels, np.float64), 2)
    curve = np.interp(np.arange(count) / sample_rate, times, levels)
    return (10.0 ** (curve / 20.0)).astype(np.float32)
