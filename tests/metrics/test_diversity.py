import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts.metrics.diversity import mean_pairwise_distance, unit_rows, vendi_score


@pytest.mark.parametrize("n", [1, 2, 7])
def test_equal_items_count_as_one_and_orthogonal_ones_as_n(n):
    assert vendi_score(np.ones((n, 4))) == pytest.approx(1.0)
    assert vendi_score(3.0 * np.eye(n)) == pytest.approx(n)


def test_two_pairs_of_equal_items_count_as_two():
    assert vendi_score(np.array([[1, 0], [1, 0], [0, 1], [0, 2]])) == pytest.approx(2.0)


def test_pairwise_distance_by_hand():
    # cosines: 0, -1 and 0; mean of 1 - cosine = (1 + 2 + 1) / 3
    vectors = np.array([[1.0, 0.0], [0.0, 5.0], [-2.0, 0.0]])
    assert mean_pairwise_distance(vectors) == pytest.approx(4 / 3)
    assert mean_pairwise_distance(np.ones((5, 3))) == pytest.approx(0.0)
    assert np.isnan(mean_pairwise_distance(np.ones((1, 3))))


def test_a_zero_vector_is_refused():
    with pytest.raises(ValueError, match="norm"):
        unit_rows(np.zeros((2, 3)))


@given(st.integers(1, 12), st.integers(0, 1000))
def test_bounds_and_agreement_with_the_definition(n, seed):
    vectors = np.random.default_rng(seed).normal(size=(n, 5))
    assert 1.0 - 1e-9 <= vendi_score(vectors) <= min(n, 5) + 1e-9
    if n > 1:
        rows = unit_rows(vectors)
        cosines = (rows @ rows.T)[np.triu_indices(n, 1)]
        assert mean_pairwise_distance(vectors) == pytest.approx(np.mean(1 - cosines))
