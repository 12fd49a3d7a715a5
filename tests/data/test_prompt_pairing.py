"""Prompts: what ours name, how they are split, and that pairs never contradict."""

import csv

import pytest

from mmtts.data.attributes import ATTRIBUTES, encode_attributes
from mmtts.data.corpora import StylePrompt
from mmtts.data.corpora.wording import gender_named
from mmtts.data.prompt_pairing import Item, pair_prompts, write_prompt_pairs
from mmtts.data.prompt_splits import NEAR
from mmtts.data.prompt_templates import face_prompts, voice_prompts

ITEMS = [
    Item("one", "train", {"gender": "female", "age": "child", "pitch": "high", "pace": "slow"}),
    Item("two", "train", {"gender": "male", "pitch": "low", "energy": "high", "emotion": "angry"}),
    Item("three", "test", {"age": "elderly"}),
    Item("four", "valid", {}),
]


@pytest.mark.parametrize("prompts", [voice_prompts(), face_prompts()])
def test_own_prompts_are_distinct_valid_and_say_their_gender(prompts):
    assert len({prompt.text for prompt in prompts}) == len(prompts)
    for prompt in prompts:
        encode_attributes(prompt.attributes)
        assert prompt.attributes
        if prompt.attributes.get("gender"):
            assert gender_named(prompt.text) == prompt.attributes["gender"]
        else:
            assert gender_named(prompt.text) is None


def test_own_prompts_name_every_value_of_every_attribute():
    named = {pair for prompt in voice_prompts() for pair in prompt.attributes.items()}
    assert named == {(name, value) for name, values in ATTRIBUTES.items() for value in values}


def test_pairs_agree_with_the_item_and_repeat_exactly():
    rows = pair_prompts(voice_prompts(), ITEMS, per_source=5)
    assert rows == pair_prompts(voice_prompts(), ITEMS, per_source=5)
    known = {item.name: item.attributes for item in ITEMS}
    assert {row[1] for row in rows} == {"one", "two", "three"}
    for row in rows:
        named = dict(zip(ATTRIBUTES, row[2:8], strict=True))
        assert any(named.values())
        assert all(known[row[1]].get(name) == v for name, v in named.items() if v)
        assert row[8:14] == [known[row[1]].get(name, "") for name in ATTRIBUTES]


def test_an_item_gets_prompts_of_every_corpus():
    foreign = [StylePrompt("other", f"A man {k}", {"gender": "male"}) for k in range(3)]
    rows = pair_prompts([*voice_prompts(), *foreign], ITEMS[1:2], per_source=2)
    assert sum(row[0].startswith("A man ") and row[0][6:].isdigit() for row in rows) == 2


def test_everything_known_of_an_item_is_named_by_a_prompt():
    items = [Item(f"clip {k}", "train", ITEMS[1].attributes) for k in range(20)]
    for item in items:
        rows = pair_prompts(voice_prompts(), [item], per_source=1)
        named = {name for row in rows for name, v in zip(ATTRIBUTES, row[2:8], strict=True) if v}
        assert named == set(item.attributes)  # an emotion too, which few prompts name
        assert len(rows) <= 1 + len(named)


def test_tables_share_no_prompt(tmp_path):
    known = {"gender": "male", "age": "young", "pitch": "low", "pace": "slow", "energy": "low"}
    items = [Item(f"{s}{k}", s, known) for s in ("train", "valid", "test") for k in range(9)]
    counts = write_prompt_pairs(tmp_path, "speech", voice_prompts(), items)
    texts = {}
    for split, found in counts.items():
        with (tmp_path / "pairs" / f"prompt_speech_{split}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == found["pairs"] > 0
        texts[split] = {row["prompt"] for row in rows}
        assert len(texts[split]) == found["prompts"]
        assert all(row["cut"].startswith(split) for row in rows)
    assert not (texts["train"] & texts["test"] or texts["train"] & texts["valid"])
    for split in ("valid", "test"):
        assert counts[split]["median_overlap"] < NEAR
        assert counts[split]["same_words"] == 0.0
