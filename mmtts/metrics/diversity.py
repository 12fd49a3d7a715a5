"""Diversity of a set of voices."""

from __future__ import annotations

import numpy as np


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Scale each row of (n, D) to unit norm.

    Raises:
        ValueError: A row is zero or not finite.
    """
    vectors = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if not np.isfinite(norms).all() or (norms == 0).any():
        raise ValueError("every vector needs a finite, non-zero norm")
    return vectors / norms


def mean_pairwise_distance(vectors: np.ndarray) -> float:
    """Mean of 1 - cosine over all pairs of different rows of (n, D), in [0, 2]; NaN for n < 2."""
    n = len(vectors)
    if n < 2:
        return float("nan")
    total = unit_rows(vectors).sum(axis=0)
    # The sum over all n^2 cosines is the squared norm of the sum; n of them are a row with itself.
    return float(1.0 - (total @ total - n) / (n * (n - 1)))


def vendi_score(vectors: np.ndarray) -> float:
    """Effective number of different items, in [1, n] (Friedman and Dieng, 2023, eq. 2).

    The exponential of the Shannon entropy of the eigenvalues of K / n, where K holds the cosines of
    the rows of (n, D). Equal rows give 1, orthogonal ones n.
    """
    if not len(vectors):
        return float("nan")
    rows = unit_rows(vectors)
    eigenvalues = np.linalg.eigvalsh(rows @ rows.T / len(rows))
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    return float(np.exp(-np.sum(eigenvalues * np.log(eigenvalues))))
