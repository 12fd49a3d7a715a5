"""Likeness of two voices: the one definition that training logs, baselines and reports share.

All voices of a style space or of a speaker encoder share a large common part: two strangers have
a plain cosine far above 0, and a method that predicts little but that part looks better than it
is. So the mean of the training voices is subtracted from both before the cosine is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DEFINITION = (
    "cosine after subtracting the training voices' mean, for every method and baseline, of styles "
    "z as of a judge's embeddings; for faces, the mean of the voices in face-speech pairs; SECS is "
    "the plain cosine, as it is published"
)


def mean_voice(vectors: np.ndarray, people: Sequence[str] | Sequence[int]) -> np.ndarray:
    """Return the mean of training voices, in which everyone counts once.

    Args:
        vectors: Styles or embeddings (n, D), n >= 1.
        people: Who each belongs to, (n,).

    Returns:
        float64 (D,).
    """
    _, owner = np.unique(np.asarray(people), return_inverse=True)
    sums = np.zeros((int(owner.max()) + 1, vectors.shape[1]))
    np.add.at(sums, owner, vectors)
    return (sums / np.bincount(owner)[:, None]).mean(0)


def centered(vectors: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Subtract the mean voice (D,) from vectors (..., D) and scale them to length 1.

    Their dot products are likenesses. A vector that is the mean itself becomes 0.
    """
    difference = np.asarray(vectors, np.float64) - mean
    return difference / np.maximum(np.linalg.norm(difference, axis=-1, keepdims=True), 1e-9)


def likeness(queries: np.ndarray, items: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Likeness of every query (I, D) to every item (J, D): (I, J) in [-1, 1]."""
    return centered(queries, mean) @ centered(items, mean).T
