"""What a stage watches while it trains, on people and prompts that it never trains on.

These scores choose settings. What is reported about a finished system comes from `mmtts.evaluate`,
whose judges take no part in training.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmtts.data.attributes import ATTRIBUTES, compatible, level
from mmtts.metrics.large_trials import matching_by_blocks, roc_by_blocks
from mmtts.metrics.likeness import centered, likeness
from mmtts.metrics.verification import (
    area,
    equal_error,
    make_pairs,
    n_way_matching,
    roc_curve,
)

RIDGE_PENALTY = 1.0
LARGE = 4_000_000  # pairs; more are looked at block by block


def cross_modal_scores(
    queries: np.ndarray,
    items: np.ndarray,
    query_people: Sequence[str],
    item_people: Sequence[str],
    genders: dict[str, str],
    mean: np.ndarray,
    seed: int = 0,
) -> dict[str, float]:
    """Verification and matching between two modalities by the likeness of voices.

    Args:
        queries: (Q, D), such as the voices that faces are given.
        items: (C, D), such as real voices.
        query_people: Who each query belongs to.
        item_people: Who each item belongs to.
        genders: Person -> gender, of those whose gender is known.
        mean: Mean of the training voices (D,), see `mmtts.metrics.likeness`.
        seed: Of the control's shuffling.

    Returns:
        auc, eer, match5 (5-way, chance 0.2), auc_gender (among pairs of one known gender) and
        auc_random (the queries shuffled: must be near 0.5).
    """
    order = np.random.default_rng(seed).permutation(len(queries))
    people = query_people, item_people
    if len(queries) * len(items) > LARGE:
        sides = centered(queries, mean), centered(items, mean)
        curve = roc_by_blocks(*sides, *people)
        within = roc_by_blocks(*sides, *people, genders)
        shuffled = roc_by_blocks(sides[0][order], sides[1], *people)
        matched = matching_by_blocks(*sides, *people, 5)
    else:
        similarity = likeness(queries, items, mean)
        curve = roc_curve(make_pairs(similarity, *people))
        within = roc_curve(make_pairs(similarity, *people, genders))
        shuffled = roc_curve(make_pairs(similarity[order], *people))
        matched = n_way_matching(similarity, *people, 5).value
    return {
        "auc": area(*curve),
        "eer": equal_error(*curve),
        "match5": matched,
        "auc_gender": area(*within),
        "auc_random": area(*shuffled),
    }


class AttributeProbe:
    """Linear classifiers of attributes from styles, fitted on clips whose attributes are known.

    A ridge regression on one-hot targets, the classes balanced: no iteration, no randomness. Its
    accuracy on held-out clips is the ceiling for whatever it then judges.

    Args:
        styles: (n, D).
        codes: int64 (n, A), -1 = unknown.
        sizes: Number of values of each attribute.
        penalty: Of the ridge regression.
    """

    def __init__(
        self, styles: np.ndarray, codes: np.ndarray, sizes: Sequence[int], penalty: float = 1e-2
    ) -> None:
        self._maps: list[tuple[np.ndarray, np.ndarray] | None] = []
        for k, size in enumerate(sizes):
            known = codes[:, k] >= 0
            counts = np.bincount(codes[known, k], minlength=size)
            if np.count_nonzero(counts) < 2:
                self._maps.append(None)
                continue
            target = np.eye(size, dtype=np.float32)[codes[known, k]]
            weights = 1.0 / counts[codes[known, k]]
            self._maps.append(ridge(styles[known], target, penalty, weights))

    def predict(self, styles: np.ndarray) -> np.ndarray:
        """Most likely value of each attribute: int64 (n, A); -1 where nothing was learned."""
        columns = [
            np.full(len(styles), -1) if m is None else (styles @ m[0] + m[1]).argmax(-1)
            for m in self._maps
        ]
        return np.stack(columns, axis=-1)

    def accuracy(self, styles: np.ndarray, codes: np.ndarray) -> list[float]:
        """Share of the known values that are recognized, for each attribute; NaN without any."""
        predicted = self.predict(styles)
        result = []
        for k, fitted in enumerate(self._maps):
            known = codes[:, k] >= 0
            right = predicted[known, k] == codes[known, k]
            result.append(float(right.mean()) if fitted is not None and known.any() else np.nan)
        return result


def loudness_scores(
    predicted: np.ndarray,
    named: np.ndarray,
    loudness: np.ndarray,
    known: np.ndarray,
    bounds: Sequence[float] | None,
) -> dict[str, float]:
    """How well the loudness of prompts fits.

    Args:
        predicted: Of each prompt (P,), in dB.
        named: int64 (P, A), what each prompt names; -1 = nothing.
        loudness: Of each clip (I,), in dB; NaN = unknown.
        known: int64 (I, A), what is known of each clip.
        bounds: Where low ends and high begins, in dB; None where that is not known.

    Returns:
        loudness_error: mean distance in dB to the median of the fitting clips, or to 0 where the
        prompt names no energy. energy: share of the named levels that are met.
    """
    energy = named[:, list(ATTRIBUTES).index("energy")]
    heard = np.isfinite(loudness)
    errors = []
    for value, code, prompt in zip(predicted, energy, named, strict=True):
        fits = compatible(prompt[None], known[heard])[0]
        if code < 0 or fits.any():
            errors.append(abs(value - (np.median(loudness[heard][fits]) if code >= 0 else 0.0)))
    scores = {"loudness_error": float(np.mean(errors))} if errors else {}
    if bounds is not None and (energy >= 0).any():
        levels = [ATTRIBUTES["energy"].index(str(level(v, bounds))) for v in predicted]
        scores["energy"] = float((np.array(levels) == energy)[energy >= 0].mean())
    return scores


def ridge(
    x: np.ndarray, y: np.ndarray, penalty: float = RIDGE_PENALTY, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression in closed form: the honest baseline of a linear map.

    Minimizes the weighted mean of |y - x w - b|^2 plus penalty * |w|^2, the offset b unpenalized
    and x scaled to unit variance on average, so that a penalty means the same for all features.

    Args:
        x: (n, F).
        y: (n, D).
        penalty: > 0.
        weights: (n,), > 0; None for equal ones.

    Returns:
        Weights (F, D) and offset (D,): prediction = x @ weights + offset.
    """
    share = np.ones(len(x)) if weights is None else weights
    share = (share / share.sum())[:, None]
    mean, target = (share * x).sum(0), (share * y).sum(0)
    centered = (x - mean).astype(np.float64)
    scale = max(float(np.sqrt((share * centered**2).sum() / x.shape[1])), 1e-12)
    centered /= scale
    gram = (share * centered).T @ centered + penalty * np.eye(x.shape[1])
    solution = np.linalg.solve(gram, (share * centered).T @ (y - target)) / scale
    return solution.astype(np.float32), (target - mean @ solution).astype(np.float32)


def unit(x: np.ndarray) -> np.ndarray:
    """Scale rows to length 1."""
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def diversity(styles: np.ndarray, mean: np.ndarray) -> float:
    """Mean of 1 - likeness over pairs of draws, averaged over conditions.

    Args:
        styles: (conditions, draws, D), at least two draws.
        mean: Mean of the training voices (D,).
    """
    draws = styles.shape[1]
    z = centered(styles, mean)
    total = np.square(z.sum(1)).sum(-1)  # the sum over all pairs, each with itself included
    return float(1.0 - ((total - draws) / (draws * (draws - 1))).mean())
