"""Attributes: codes come back as names, and bins are what they are called."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.data.attributes import (
    ATTRIBUTES,
    age_group,
    compatible,
    corpus_levels,
    decode_attributes,
    encode_attributes,
    level,
    measure_thresholds,
    name_attributes,
    read_thresholds,
    relative_loudness,
    thresholds,
)

named = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in ATTRIBUTES.items()}
)


def test_codes_by_hand():
    codes = encode_attributes({"gender": "male", "emotion": "neutral", "age": None, "pace": ""})
    assert codes.tolist() == [1, -1, -1, -1, -1, 0]
    assert codes.dtype == torch.int64


@given(named)
def test_codes_come_back_as_names(attributes):
    assert decode_attributes(encode_attributes(attributes)) == attributes


@pytest.mark.parametrize("wrong", [{"gender": "robot"}, {"shoe size": "42"}])
def test_unknown_names_are_refused(wrong):
    with pytest.raises(InputError, match="nknown"):
        encode_attributes(wrong)


def test_compatible_by_hand():
    prompts = torch.stack(
        [
            encode_attributes({"gender": "male"}),
            encode_attributes({}),
            encode_attributes({"age": "child"}),
        ]
    )
    items = torch.stack(
        [
            encode_attributes({"gender": "male", "pitch": "low"}),
            encode_attributes({"gender": "female"}),
            encode_attributes({"gender": "male", "age": "child"}),
        ]
    )
    # A child is described only by a prompt that says so.
    expected = [[True, False, False], [True, True, False], [False, False, True]]
    assert compatible(prompts, items).tolist() == expected
    assert compatible(prompts.numpy(), items.numpy()).tolist() == expected


@given(st.lists(named, min_size=1, max_size=5), st.lists(named, min_size=1, max_size=5))
def test_compatible_means_that_all_named_agree(prompts, items):
    table = compatible(
        torch.stack([encode_attributes(p) for p in prompts]),
        torch.stack([encode_attributes(i) for i in items]),
    )
    for p, prompt in enumerate(prompts):
        for i, item in enumerate(items):
            agree = all(item.get(k) == v for k, v in prompt.items())
            unsaid_child = item.get("age") == "child" and "age" not in prompt
            assert table[p, i].item() == (agree and not unsaid_child)


@pytest.mark.parametrize(
    ("years", "group"),
    [(0, "child"), (12.9, "child"), (13, "young"), (29, "young"), (30, "middle-aged"),
     (59, "middle-aged"), (60, "elderly"), (101, "elderly"), (None, None), (math.nan, None)],
)  # fmt: skip
def test_age_groups(years, group):
    assert age_group(years) == group


@given(st.lists(st.floats(-1e6, 1e6), min_size=30, unique=True))
def test_tertiles_split_evenly(values):
    bounds = thresholds([*values, None, math.nan])
    counts = np.unique([level(v, bounds) for v in values], return_counts=True)[1]
    assert counts.max() - counts.min() <= 2


def test_tertiles_need_a_value():
    with pytest.raises(InputError, match="at least one"):
        thresholds([None, math.nan])


def test_pitch_is_judged_within_the_gender():
    rows = [{"gender": "female", "pitch_hz": hz} for hz in range(180, 240)]
    rows += [{"gender": "male", "pitch_hz": hz, "pace": hz / 10} for hz in range(90, 150)]
    bins = measure_thresholds([*rows, {"gender": None, "pitch_hz": 500.0}])
    assert name_attributes(bins, gender="female", pitch_hz=185) == {
        "gender": "female",
        "pitch": "low",
    }
    assert name_attributes(bins, gender="male", pitch_hz=185, pace=9, age=70) == {
        "gender": "male",
        "age": "elderly",
        "pitch": "high",
        "pace": "slow",
    }
    assert name_attributes(bins, pitch_hz=185) == {}
    assert set(bins) == {"pitch", "pace"}


def test_naming_refuses_unknown_emotions():
    with pytest.raises(InputError, match="bored"):
        name_attributes({}, emotion="bored")


def test_loudness_is_relative_to_the_corpus():
    levels = corpus_levels([("a", -40.0), ("a", -30.0), ("a", -35.0), ("b", -10.0), ("c", None)])
    assert levels == {"a": -35.0, "b": -10.0}
    assert relative_loudness(-32.5, levels["a"]) == 2.5
    assert relative_loudness(-60.0, levels["b"]) == -15.0  # no speaker is that quiet
    assert relative_loudness(-20.0, levels.get("c")) is None
    assert relative_loudness(None, -20.0) is None


def test_energy_has_one_set_of_bins_for_all_corpora():
    bins = measure_thresholds([{"loudness": float(db)} for db in range(-9, 10)])
    assert bins == {"loudness": [-3.0, 3.0]}
    assert name_attributes(bins, loudness=-4.0) == {"energy": "low"}
    assert name_attributes(bins, loudness=4.0) == {"energy": "high"}
    assert name_attributes(bins, loudness=None) == {}


def test_thresholds_are_read_from_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"statistics\.json"):
        read_thresholds(tmp_path)
    (tmp_path / "statistics.json").write_text('{"thresholds": {"loudness": [-1, 1]}}')
    assert read_thresholds(tmp_path) == {"loudness": [-1, 1]}
