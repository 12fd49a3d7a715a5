"""Splits by person."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.data.splits import SPLITS, by_hash, key_of, split_keys, split_people

people = st.dictionaries(st.text(min_size=1, max_size=8), st.sampled_from("abc"), max_size=60)


@settings(max_examples=30, deadline=None)
@given(people)
def test_everyone_is_in_exactly_one_split_and_always_the_same(strata):
    split = split_people(strata)
    assert split.keys() == strata.keys()
    assert set(split.values()) <= set(SPLITS)
    reversed_order = dict(reversed(list(strata.items())))
    assert split_people(reversed_order) == split


@settings(max_examples=30, deadline=None)
@given(people)
def test_other_strata_change_nothing(strata):
    alone = {person: of for person, of in strata.items() if of == "a"}
    whole = split_people(strata)
    assert all(whole[person] == split for person, split in split_people(alone).items())


@settings(max_examples=30, deadline=None)
@given(st.sets(st.text(min_size=1, max_size=8), min_size=8, max_size=60))
def test_people_are_ranked_by_the_hashes_of_their_names(names):
    split = split_people(dict.fromkeys(names, "a"))
    ranked = [split[name] for name in by_hash(names)]
    assert ranked == sorted(ranked, key=("test", "valid", "train").index)
    keys = np.array([key_of(name) for name in names], np.uint64)
    found = split_keys(keys, np.zeros(len(names), int))
    assert [SPLITS[k] for k in found] == [split[name] for name in names]


def test_shares_hold_in_every_stratum():
    split = split_people({f"{s}{k}": s for s in "ab" for k in range(100)})
    for stratum in "ab":
        of = [split[f"{stratum}{k}"] for k in range(100)]
        assert (of.count("test"), of.count("valid"), of.count("train")) == (10, 5, 85)


def test_few_people_are_all_trained_on_and_eight_are_not():
    assert set(split_people({str(k): "a" for k in range(7)}).values()) == {"train"}
    eight = list(split_people({str(k): "a" for k in range(8)}).values())
    assert (eight.count("test"), eight.count("valid")) == (1, 1)


def test_order_is_by_sha256():
    # sha256("b") = 3e23..., sha256("c") = 2e7d..., sha256("a") = ca97...
    assert by_hash(["a", "b", "c"]) == ["c", "b", "a"]
