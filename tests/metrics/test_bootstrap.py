import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts.metrics.bootstrap import bootstrap, bootstrap_mean, bootstrap_ratio


def test_the_interval_of_a_constant_is_the_constant():
    assert bootstrap_mean([0.25] * 7) == (0.25, 0.25, 0.25, 7)


def test_equal_seeds_give_equal_intervals_and_other_seeds_do_not():
    values = np.random.default_rng(0).normal(size=30)
    assert bootstrap_mean(values, seed=3) == bootstrap_mean(values, seed=3)
    assert bootstrap_mean(values, seed=3) != bootstrap_mean(values, seed=4)


def test_a_95_percent_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(300):
        found = bootstrap_mean(rng.normal(1.0, 2.0, size=40), seed=trial, draws=400)
        covered += found.low <= 1.0 <= found.high
    assert 0.90 <= covered / 300 <= 0.98


def test_values_of_one_person_are_drawn_together():
    rng = np.random.default_rng(1)
    of_person = np.repeat(rng.normal(size=20), 50)
    people = np.repeat(np.arange(20), 50)
    alone, together = bootstrap_mean(of_person), bootstrap_mean(of_person, people)
    assert alone.value == pytest.approx(together.value)
    assert together.n == 20
    # 50 copies of each value make a naive interval sqrt(50) times too narrow.
    assert together.high - together.low > 5 * (alone.high - alone.low)


def test_what_could_not_be_measured_is_left_out():
    found = bootstrap_mean([1.0, float("nan"), 3.0])
    assert (found.value, found.n) == (2.0, 2)
    assert np.isnan(bootstrap_mean([]).value)
    assert bootstrap_mean([float("nan")]).n == 0


def test_a_ratio_is_of_the_sums_not_the_mean_of_ratios():
    assert bootstrap_ratio([1, 0], [2, 8]).value == pytest.approx(0.1)


def test_a_statistic_may_fail_on_some_draws():
    def first_person_only(weights: np.ndarray) -> float:
        return 2.0 if weights[0] else float("nan")

    assert bootstrap(first_person_only, 3, seed=0) == (2.0, 2.0, 2.0, 3)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.integers(0, 100))
def test_the_interval_lies_within_the_values(values, seed):
    found = bootstrap_mean(values, seed=seed, draws=50)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
