"""The scores that stages watch, against brute force."""

import numpy as np
import pytest

from mmtts.data.attributes import ATTRIBUTES, audible
from mmtts.stages.validation import (
    AttributeProbe,
    cross_modal_scores,
    diversity,
    loudness_scores,
    ridge,
    unit,
)


def styles(seed: int, *shape: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal(shape))


def test_ridge_minimizes_its_objective() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.standard_normal((30, 2))
    share = rng.uniform(0.5, 2.0, 30)
    weights, offset = ridge(x, y, 0.3, share)
    share = share / share.sum()
    scale = np.sqrt((share[:, None] * (x - share @ x) ** 2).sum() / 4)

    def objective(w: np.ndarray, b: np.ndarray) -> float:
        errors = ((y - x @ w - b) ** 2).sum(-1)
        return float(share @ errors + 0.3 * ((w * scale) ** 2).sum())

    best = objective(weights, offset)
    for _ in range(50):
        w, b = (a + 0.01 * rng.standard_normal(a.shape) for a in (weights, offset))
        assert objective(w, b) >= best


def test_ridge_without_penalty_recovers_a_linear_map() -> None:
    x, w = styles(1, 50, 3), styles(2, 3, 5)
    weights, offset = ridge(x, x @ w + 2.0, 1e-9)
    np.testing.assert_allclose(weights, w, atol=1e-4)
    np.testing.assert_allclose(offset, 2.0, atol=1e-4)


def test_probe_hears_what_is_there_and_ignores_what_is_not() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, (400, 2))
    centers = styles(1, 2, 8)
    z = unit(centers[codes[:, 0]] + 0.1 * rng.standard_normal((400, 8)))
    codes[::3, 0] = -1
    probe = AttributeProbe(z[:300], codes[:300], [2, 2])
    gender, noise = probe.accuracy(z[300:], codes[300:])
    assert gender > 0.97 and noise == pytest.approx(0.5, abs=0.2)
    silent = AttributeProbe(z, np.full((400, 1), -1), [3])
    assert np.isnan(silent.accuracy(z, codes[:, :1])[0])
    assert (silent.predict(z) == -1).all()


def test_diversity_is_the_mean_over_pairs() -> None:
    z = styles(3, 4, 5, 6)
    mean = np.full(6, 0.1)
    c_z = unit(z - mean)
    pairs = [1 - c_z[c, i] @ c_z[c, j] for c in range(4) for i in range(5) for j in range(i)]
    assert diversity(z, mean) == pytest.approx(float(np.mean(pairs)))
    assert diversity(np.repeat(z[:, :1], 3, axis=1), mean) == pytest.approx(0.0)


def test_cross_modal_scores_of_perfect_and_random_faces() -> None:
    people = [str(k) for k in range(40)]
    genders = {p: "fm"[int(p) % 2] for p in people}
    z = styles(0, 40, 16)
    perfect = cross_modal_scores(z, z, people, people, genders, np.zeros(16))
    assert perfect["auc"] == perfect["match5"] == perfect["auc_gender"] == 1.0
    assert perfect["eer"] == 0.0
    assert perfect["auc_random"] == pytest.approx(0.5, abs=0.2)
    chance = cross_modal_scores(styles(1, 40, 16), z, people, people, genders, np.zeros(16))
    assert chance["auc"] == pytest.approx(0.5, abs=0.15)
    assert chance["match5"] == pytest.approx(0.2, abs=0.2)


def test_loudness_scores_by_hand() -> None:
    energy, none = list(ATTRIBUTES).index("energy"), np.full((4, 6), -1)
    named, known = none.copy(), none.copy()
    named[:3, energy] = (0, 2, 1)  # low, high, normal, not named
    known[:, energy] = (0, 0, 2, 1)
    loudness = np.array([-9.0, -5.0, 4.0, np.nan])
    predicted = np.array([-6.0, 1.0, 0.5, 2.0])
    # |-6 + 7|, |1 - 4|, no clip of known loudness fits, |2 - 0|; only the second level is missed.
    scores = loudness_scores(predicted, named, loudness, known, [-2.0, 2.0])
    assert scores == {"loudness_error": pytest.approx(2.0), "energy": pytest.approx(2 / 3)}
    assert set(loudness_scores(predicted, named, loudness, known, None)) == {"loudness_error"}
    assert audible(known)[:, energy].tolist() == [-1] * 4  # no style tells it
