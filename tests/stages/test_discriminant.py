"""The closed form that stage 2 starts at, in worlds where the truth is known."""

import numpy as np
import pytest

from mmtts.metrics.likeness import centered
from mmtts.metrics.verification import make_pairs, roc_auc
from mmtts.stages.discriminant import PENALTIES, fit_discriminant, inner_folds, linear_map
from mmtts.stages.validation import ridge, unit

FEATURES, DIM = 20, 16


def world(people: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Faces x and voices z. Four directions of z go with x; loud ones vary much by chance."""
    rng = np.random.default_rng(0)
    link = rng.normal(size=(FEATURES, 4)) / FEATURES**0.5
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(people, FEATURES))
    z = np.concatenate([x @ link, np.zeros((people, DIM - 4))], 1)
    loud = np.array([0.3, 0.3, 3.0, 3.0] + [1.0] * (DIM - 4))
    return x, unit(z + loud * rng.normal(size=z.shape) + 0.5)


def auc(directions: np.ndarray, z: np.ndarray, mean: np.ndarray) -> float:
    names = [str(k) for k in range(len(z))]
    similarity = centered(directions, np.zeros(DIM)) @ centered(z, mean).T
    return roc_auc(make_pairs(similarity, names, names))


def test_it_finds_more_voices_of_unseen_people_than_the_regression() -> None:
    x, z = world(800, 1)
    new_x, new_z = world(400, 2)
    names = np.array([str(k) for k in range(800)])
    found = fit_discriminant(x, z, names, {})
    slope, offset = ridge(x, z - z.mean(0), found.penalty)
    by_regression = auc(new_x @ slope + offset, new_z, z.mean(0))
    by_discriminant = auc(new_x @ found.weights + found.offset, new_z, z.mean(0))
    assert by_discriminant > by_regression + 0.005 > 0.6


def test_white_voices_leave_the_regression_as_it_is() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, FEATURES))
    z = unit(rng.normal(size=(5000, DIM)))
    names = np.array([str(k) for k in range(5000)])
    weights, _ = linear_map(x, z, names, 1.0)
    slope, _ = ridge(x, z, 1.0)
    cosine = (weights * slope).sum() / np.linalg.norm(weights) / np.linalg.norm(slope)
    assert cosine > 0.999


def test_nobody_is_judged_by_a_map_that_saw_them() -> None:
    x, z = world(60, 3)
    people = np.array([str(k // 2) for k in range(60)])  # two rows each
    found = fit_discriminant(x, z, people, {})
    folds = list(inner_folds(people))
    assert found.penalty in PENALTIES
    assert np.sum(folds, axis=0).tolist() == [1] * 60
    for fold in folds:
        assert not set(people[fold]) & set(people[~fold])
        weights, offset = linear_map(x[~fold], z[~fold], people[~fold], found.penalty)
        np.testing.assert_allclose(found.unseen[fold], x[fold] @ weights + offset)


@pytest.mark.parametrize("people", [2, 3])
def test_few_people_are_enough_to_start(people: int) -> None:
    x, z = world(people, 5)
    found = fit_discriminant(x, z, np.array([str(k) for k in range(people)]), {})
    assert np.isfinite(found.weights).all() and found.unseen.shape == z.shape
