"""Block by block the figures are those of the whole table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.metrics.large_trials import matching_by_blocks, roc_by_blocks
from mmtts.metrics.verification import (
    area,
    equal_error,
    equal_error_rate,
    make_pairs,
    n_way_matching,
    roc_auc,
)
from mmtts.stages import validation
from mmtts.stages.validation import cross_modal_scores


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), ties=st.booleans(), gendered=st.booleans())
def test_blocks_give_the_figures_of_the_whole_table(seed: int, ties: bool, gendered: bool) -> None:
    rng = np.random.default_rng(seed)
    queries, items = rng.standard_normal((23, 3)), rng.standard_normal((17, 3))
    if ties:  # whole numbers, so that many pairs are equally alike
        queries, items = queries.round(), items.round()
    left, right = (rng.integers(0, 9, n).astype(str) for n in (23, 17))
    genders = {str(k): ("", "a", "b")[k % 3] for k in range(9)} if gendered else None
    pairs = make_pairs(queries @ items.T, left, right, genders)
    curve = roc_by_blocks(queries, items, left, right, genders, block=5)
    np.testing.assert_allclose(area(*curve), roc_auc(pairs), atol=1e-12)
    np.testing.assert_allclose(equal_error(*curve), equal_error_rate(pairs), atol=1e-12)
    expected = n_way_matching(queries @ items.T, left, right, 4, seed=seed).value
    found = matching_by_blocks(queries, items, left, right, 4, seed, block=5)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_without_pairs_of_one_person_nothing_is_said() -> None:
    one = np.eye(3)
    assert np.isnan(area(*roc_by_blocks(one, one, ["a", "b", "c"], ["d", "e", "f"])))
    assert np.isnan(area(*roc_by_blocks(one[:1], one[:1], ["a"], ["a"])))
    assert np.isnan(matching_by_blocks(one, one, ["a", "b", "c"], ["d", "e", "f"], 2))


def test_many_pairs_are_scored_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    voices = rng.standard_normal((40, 6))
    faces = voices + rng.standard_normal((40, 6))
    people = [str(k // 2) for k in range(40)]
    genders = {str(k): "ab"[k % 2] for k in range(20)}
    arguments = (faces, voices, people, people, genders, voices.mean(0))
    whole = cross_modal_scores(*arguments)
    monkeypatch.setattr(validation, "LARGE", 0)
    assert cross_modal_scores(*arguments) == pytest.approx(whole, abs=1e-12)
