"""Where the face encoder starts: what a few hundred people tell in closed form.

Let faces x and voices z be jointly Gaussian. Then m(x) = E[z | x] is a linear map, and where a face
explains little of a voice's covariance C, the logarithm of how much likelier voice z is for face x
than for anyone is, up to terms of second order, m(x)^T C^-1 z. So the direction C^-1 m(x) lies
nearest to the own voice: it trusts what differs little among voices and yet goes with faces. Both
inverses are shrunk, the first as far as unseen people say, the second by `SHRINKAGE`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mmtts.metrics.likeness import centered, mean_voice
from mmtts.metrics.verification import make_pairs, roc_auc
from mmtts.stages.validation import ridge

FOLDS = 5
SHRINKAGE = 10.0  # added to C, in units of its mean variance
PENALTIES = (0.6, 1.2, 2.4, 4.8, 9.6)  # of the regression; see `ridge`


class Discriminant(NamedTuple):
    """A linear map from faces to directions away from the mean voice.

    Attributes:
        weights: (F, D).
        offset: (D,).
        penalty: The regression's, which inner folds have chosen.
        unseen: Directions (n, D) of the faces themselves, each by a map that never saw its person.
    """

    weights: np.ndarray
    offset: np.ndarray
    penalty: float
    unseen: np.ndarray


def fit_discriminant(
    x: np.ndarray, z: np.ndarray, people: np.ndarray, genders: dict[str, str]
) -> Discriminant:
    """Fit the map, its penalty chosen by inner folds over people.

    Args:
        x: What the faces show (n, F).
        z: Unit vectors of the voices (n, D).
        people: Names (n,), at least two.
        genders: Person -> gender; the choice looks at verification overall and within a gender.
    """
    folds = list(inner_folds(people))
    unseen = {penalty: _out_of_fold(x, z, people, penalty, folds) for penalty in PENALTIES}
    scores = {
        penalty: _found(directions, z, people, genders, folds)
        for penalty, directions in unseen.items()
    }
    best = max(scores, key=lambda penalty: scores[penalty])
    return Discriminant(*linear_map(x, z, people, best), best, unseen[best])


def linear_map(
    x: np.ndarray, z: np.ndarray, people: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (F, D) and offset (D,) of C^-1 m(x), from the mean voice on."""
    mean = mean_voice(z, people.tolist())
    slope, offset = ridge(x, z - mean, penalty)
    away = centered(z, mean)
    variances, axes = np.linalg.eigh(away.T @ away / len(away))
    variances = variances.clip(1e-9) + SHRINKAGE * variances.mean()
    sharpen = (axes / variances) @ axes.T * variances.mean()
    return slope @ sharpen, offset @ sharpen


def inner_folds(people: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of the people who are left out, bool (n,), fold after fold."""
    names, person = np.unique(people, return_inverse=True)
    folds = min(FOLDS, len(names))
    dealt = np.random.default_rng(0).permutation(len(names)) % folds
    for fold in range(folds):
        yield dealt[person] == fold


def _out_of_fold(
    x: np.ndarray, z: np.ndarray, people: np.ndarray, penalty: float, folds: list[np.ndarray]
) -> np.ndarray:
    unseen = np.zeros_like(z)
    for left_out in folds:
        weights, offset = linear_map(x[~left_out], z[~left_out], people[~left_out], penalty)
        unseen[left_out] = x[left_out] @ weights + offset
    return unseen


def _found(
    directions: np.ndarray,
    z: np.ndarray,
    people: np.ndarray,
    genders: dict[str, str],
    folds: list[np.ndarray],
) -> float:
    """Mean of AUC and AUC within a gender over the folds; chance 0.5."""
    away = centered(z, mean_voice(z, people.tolist()))
    aucs = []
    for fold in folds:
        similarity = centered(directions[fold], np.zeros(z.shape[1])) @ away[fold].T
        for known in (None, genders):
            aucs.append(roc_auc(make_pairs(similarity, people[fold], people[fold], known)))
    heard = [auc for auc in aucs if not np.isnan(auc)]
    return float(np.mean(heard)) if heard else 0.5
