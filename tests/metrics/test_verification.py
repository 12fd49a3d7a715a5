from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.metrics.verification import (
    auc_interval,
    eer_interval,
    equal_error_rate,
    make_pairs,
    n_way_matching,
    order_probability,
    random_others,
    retrieval_top_k,
    roc_auc,
    roc_curve,
)

PEOPLE = ["a", "b", "c"]


def test_auc_and_eer_by_hand():
    similarity = np.array([[0.9, 0.2, 0.1], [0.3, 0.5, 0.6], [0.0, 0.4, 0.8]])
    # own: .9 .5 .8; others: .2 .1 .3 .6 0 .4; of 18 comparisons only (.5, .6) is lost
    pairs = make_pairs(similarity, PEOPLE, PEOPLE)
    assert roc_auc(pairs) == pytest.approx(17 / 18)
    # Between the thresholds .6 (1/6 of the others, 2/3 of the own) and .5 (1/6, 1)
    assert equal_error_rate(pairs) == pytest.approx(1 / 6)


def test_perfect_and_inverted_scores():
    perfect = make_pairs(np.eye(4), list("abcd"), list("abcd"))
    assert roc_auc(perfect) == 1.0
    assert equal_error_rate(perfect) == pytest.approx(0.0)
    assert roc_auc(make_pairs(-np.eye(4), list("abcd"), list("abcd"))) == 0.0


def test_ties_are_a_coin():
    pairs = make_pairs(np.ones((3, 3)), PEOPLE, PEOPLE)
    assert roc_auc(pairs) == pytest.approx(0.5)
    assert equal_error_rate(pairs) == pytest.approx(0.5)
    assert n_way_matching(
        np.ones((6, 6)), list("abcdef"), list("abcdef"), 5
    ).value == pytest.approx(0.2)
    assert retrieval_top_k(np.ones((4, 4)), list("abcd"), list("abcd"), 1).value == pytest.approx(
        0.25
    )


def test_matching_by_hand():
    # Query a: own .5, others .9 .1 .2 -> two of three single opponents lose, one of three pairs.
    similarity = np.array([[0.5, 0.9, 0.1, 0.2]])
    people = list("abcd")
    assert n_way_matching(similarity, ["a"], people, 2).value == pytest.approx(2 / 3)
    assert n_way_matching(similarity, ["a"], people, 3).value == pytest.approx(1 / 3)
    assert n_way_matching(similarity, ["a"], people, 4).value == 0.0
    assert n_way_matching(similarity, ["a"], people, 5).n == 0  # too few people


def test_retrieval_by_hand():
    similarity = np.array([[0.5, 0.9, 0.1], [0.1, 0.9, 0.2]])
    assert retrieval_top_k(similarity, ["a", "b"], PEOPLE, 1).value == 0.5
    assert retrieval_top_k(similarity, ["a", "b"], PEOPLE, 2).value == 1.0


def test_within_one_gender_other_genders_do_not_help():
    # The similarity knows the gender and nothing else.
    people = list("abcdef")
    genders = dict(zip(people, ["f", "f", "f", "m", "m", "m"], strict=True))
    gender = np.array([genders[p] == "f" for p in people])
    similarity = (gender[:, None] == gender).astype(float)
    assert roc_auc(make_pairs(similarity, people, people)) > 0.75
    assert roc_auc(make_pairs(similarity, people, people, genders)) == pytest.approx(0.5)
    assert n_way_matching(similarity, people, people, 3).value > 0.4
    assert n_way_matching(similarity, people, people, 3, genders).value == pytest.approx(1 / 3)


def test_people_of_unknown_gender_are_left_out_within_genders():
    pairs = make_pairs(np.eye(3), PEOPLE, PEOPLE, {"a": "f", "b": "f"})
    assert len(pairs.score) == 4
    assert auc_interval(pairs).n == 2


def test_no_pairs_give_no_number():
    assert np.isnan(roc_auc(make_pairs(np.ones((1, 1)), ["a"], ["a"])))
    assert auc_interval(make_pairs(np.ones((1, 1)), ["a"], ["b"])).n == 0
    assert np.isnan(equal_error_rate(make_pairs(np.ones((1, 1)), ["a"], ["b"])))


def test_shapes_are_checked():
    with pytest.raises(ValueError, match="similarity"):
        make_pairs(np.ones((2, 3)), ["a"], PEOPLE)
    with pytest.raises(ValueError, match="2 choices"):
        n_way_matching(np.eye(3), PEOPLE, PEOPLE, 1)
    with pytest.raises(ValueError, match="k of at least 1"):
        retrieval_top_k(np.eye(3), PEOPLE, PEOPLE, 0)


def test_a_person_drawn_twice_equals_two_copies_without_pairs_between_them():
    similarity = np.random.default_rng(0).normal(size=(4, 4))
    weighted = roc_auc(make_pairs(similarity, list("abcd"), list("abcd")), np.array([2, 0, 1, 1.0]))
    twice = [0, 0, 2, 3]
    copies = similarity[np.ix_(twice, twice)]
    own = [copies[i, i] for i in range(4)]
    others = [copies[i, j] for i in range(4) for j in range(4) if twice[i] != twice[j]]
    expected = np.mean([o > x for o in own for x in others])
    assert weighted == pytest.approx(expected)


def test_intervals_hold_the_value_and_repeat():
    rng = np.random.default_rng(0)
    people = [f"p{i}" for i in range(30)]
    similarity = rng.normal(size=(30, 30)) + 1.5 * np.eye(30)
    pairs = make_pairs(similarity, people, people)
    for measure in (auc_interval, eer_interval):
        found = measure(pairs, seed=1, draws=200)
        assert found.low <= found.value <= found.high
        assert found == measure(pairs, seed=1, draws=200)
        assert found != measure(pairs, seed=2, draws=200)


def test_the_interval_of_auc_covers_the_truth():
    covered = 0
    for trial in range(60):
        rng = np.random.default_rng(trial)
        people = np.arange(25).astype(str)
        similarity = rng.normal(size=(25, 25)) + np.eye(25)
        found = auc_interval(make_pairs(similarity, people, people), trial, draws=200)
        covered += found.low <= 0.7602 <= found.high  # Phi(1 / sqrt(2))
    assert covered >= 50


def test_random_others_never_give_the_own_person():
    people = np.array(list("aabbcd"))
    genders = {"a": "f", "b": "f", "c": "m", "d": "m"}
    for seed in range(20):
        assert (people[random_others(people, seed=seed)] != people).all()
        chosen = people[random_others(people, genders, seed)]
        assert [genders[p] for p in chosen] == [genders[p] for p in people]
        assert (chosen != people).all()
    assert random_others(["a", "a"]).tolist() == [-1, -1]


def test_a_random_face_is_at_chance():
    rng = np.random.default_rng(0)
    people = [f"p{i}" for i in range(150)]
    voices = rng.normal(size=(150, 16))
    faces = voices + 0.3 * rng.normal(size=voices.shape)
    similarity = faces @ voices.T
    assert auc_interval(make_pairs(similarity, people, people), draws=50).low > 0.95
    control = similarity[random_others(people)]
    found = auc_interval(make_pairs(control, people, people), draws=200)
    assert found.low < 0.5 < found.high


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 4), st.booleans())
def test_measures_agree_with_counting(seed, size, n, coarse):
    rng = np.random.default_rng(seed)
    similarity = rng.normal(size=(size, size))
    if coarse:
        similarity = np.round(similarity)
    people = [str(i) for i in range(size)]
    own = np.diag(similarity)
    others = similarity[~np.eye(size, dtype=bool)]
    won = (own[:, None] > others).mean() + 0.5 * (own[:, None] == others).mean()
    pairs = make_pairs(similarity, people, people)
    assert roc_auc(pairs) == pytest.approx(won)
    false, true = roc_curve(pairs)
    assert (np.diff(false) >= 0).all()
    assert (np.diff(true) >= 0).all()
    if size >= n:
        wins = []
        for i in range(size):
            rest = np.delete(similarity[i], i)
            for draw in combinations(rest, n - 1):
                top = max(draw)
                ties = sum(x == own[i] for x in draw)
                wins.append(0.0 if top > own[i] else 1 / (1 + ties))
        assert n_way_matching(similarity, people, people, n).value == pytest.approx(np.mean(wins))


def test_order_compares_within_groups_only():
    scores = np.array([100.0, 120.0, 200.0, 190.0])
    high = np.array([False, True, False, True])
    groups = np.array(["m", "m", "f", "f"])
    assert order_probability(scores, high, groups) == 0.5  # right among men, wrong among women
    assert order_probability(scores, high, np.full(4, "")) == 0.5
    assert order_probability(scores, high, groups, np.array([1, 3, 0, 1.0])) == 1.0
    assert np.isnan(order_probability(scores, high, np.arange(4)))
    assert order_probability(np.ones(2), np.array([True, False]), np.full(2, "")) == 0.5
