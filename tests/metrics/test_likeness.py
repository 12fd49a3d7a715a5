"""One likeness for every method: by hand, and what it is for."""

import numpy as np
import pytest

from mmtts.metrics.likeness import centered, likeness, mean_voice
from mmtts.metrics.verification import make_pairs, roc_auc


def test_everyone_counts_once_in_the_mean_voice():
    vectors = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 4.0]])
    np.testing.assert_allclose(mean_voice(vectors, ["a", "a", "b"]), [1.0, 2.0])
    np.testing.assert_allclose(mean_voice(vectors, [5, 5, 2]), [1.0, 2.0])


def test_likeness_by_hand():
    mean = np.array([1.0, 1.0])
    # From the mean these point to (1, 0), (0, 2) and (-3, 0).
    vectors = np.array([[2.0, 1.0], [1.0, 3.0], [-2.0, 1.0]])
    found = likeness(vectors[:1], vectors, mean)
    np.testing.assert_allclose(found, [[1.0, 0.0, -1.0]], atol=1e-12)
    assert centered(mean[None], mean).tolist() == [[0.0, 0.0]]


def test_what_all_voices_share_neither_helps_nor_hurts():
    """A method that adds the common part is scored like one that leaves it out."""
    rng = np.random.default_rng(0)
    common, own = 5.0 * rng.standard_normal(8), rng.standard_normal((40, 8))
    voices, people = common + own, [str(k) for k in range(40)]
    mean = mean_voice(voices, people)
    # A regression shrinks towards the mean: right in direction, far from its own voice in cosine.
    shrunk = mean + 0.1 * (voices - mean)
    found = likeness(shrunk, voices, mean)
    assert np.diagonal(found) == pytest.approx(1.0)
    assert roc_auc(make_pairs(found, people, people)) == 1.0
    assert np.abs(found[~np.eye(40, dtype=bool)].mean()) < 0.1
    plain = likeness(shrunk, voices, np.zeros(8))
    assert plain[~np.eye(40, dtype=bool)].mean() > 0.8
