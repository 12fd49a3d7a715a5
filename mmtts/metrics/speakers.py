"""Whose voice is it? Speaker encoders that took no part in training."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mmtts import InputError
from mmtts.metrics.diversity import unit_rows
from mmtts.metrics.quality import JUDGE_RATE


class SpeakerJudge(Protocol):
    """Tells voices apart.

    Attributes:
        name: How reports call it.
        sample_rate: Of the clips that it hears, in Hz.
    """

    name: str
    sample_rate: int

    def embed(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors float64 (n, D) of clips float32 (N,) at `sample_rate`."""


class Resemblyzer:
    """Resemblyzer's speaker encoder (GE2E; Wan et al., 2018), weights in the package.

    Its components are never negative, so two strangers have a cosine near 0.55: read a cosine only
    beside the same-speaker and other-speaker controls.

    Raises:
        InputError: The package is not installed.
    """

    name = "resemblyzer"
    sample_rate = JUDGE_RATE

    def __init__(self) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # webrtcvad and an old scipy name
                from resemblyzer import VoiceEncoder, preprocess_wav
        except ImportError as error:
            raise InputError(
                f"resemblyzer cannot be used: {error}; pip install 'mmtts[eval]'"
            ) from (error)
        self._prepare = preprocess_wav
        self._encoder = VoiceEncoder("cpu", verbose=False)

    def embed(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors float64 (n, 256) of clips float32 (N,) at 16 kHz.

        A clip in which no voice is found is embedded as a whole; silence gives a constant vector.
        """
        return np.stack([self._embed(samples) for samples in clips])

    def _embed(self, samples: np.ndarray) -> np.ndarray:
        samples = np.asarray(samples, np.float32)
        if not len(samples) or float(np.abs(samples).max()) < 1e-4:
            return np.full(256, 1.0 / 16.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            voiced = self._prepare(samples, source_sr=JUDGE_RATE)
        usable = voiced if len(voiced) >= JUDGE_RATE // 2 else samples
        return unit_rows(self._encoder.embed_utterance(usable)[None])[0]


class LinearProbe:
    """Ridge regression to -1 and 1: reads one two-valued label off a vector.

    Args:
        vectors: (n, D) of training people.
        labels: bool (n,).
        penalty: Ridge penalty relative to the mean variance of a component.

    Raises:
        InputError: Only one of the two labels occurs.
    """

    def __init__(self, vectors: np.ndarray, labels: np.ndarray, penalty: float = 1.0) -> None:
        vectors, labels = np.asarray(vectors, np.float64), np.asarray(labels, bool)
        if labels.all() or not labels.any():
            raise InputError("a probe needs training examples of both kinds")
        # The means of the two kinds are averaged, so the rarer one weighs as much as the other.
        self._center = (vectors[labels].mean(axis=0) + vectors[~labels].mean(axis=0)) / 2
        share = np.where(labels, 0.5 / labels.mean(), 0.5 / (~labels).mean())[:, None]
        centered = vectors - self._center
        gram = centered.T @ (share * centered)
        ridge = penalty * np.trace(gram) / len(gram) * np.eye(len(gram))
        target = np.where(labels, 1.0, -1.0)[:, None]
        self._weight = np.linalg.solve(gram + ridge, centered.T @ (share * target))[:, 0]

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """Labels bool (n,) of vectors (n, D)."""
        return np.asarray((np.asarray(vectors, np.float64) - self._center) @ self._weight > 0.0)
