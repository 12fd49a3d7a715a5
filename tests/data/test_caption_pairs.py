"""Own pairs: every caption with its own clip, no person and no wording in two splits."""

import csv
from functools import partial

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.data.caption_pairs import write_caption_pairs
from mmtts.data.corpora import Caption
from mmtts.data.corpora.public import textrolspeech
from mmtts.data.pair_tables import read_prompts
from mmtts.data.prompt_pairing import Item, pair_row
from mmtts.data.prompt_pairs import relations
from mmtts.data.prompt_splits import NEAR, overlaps

SPLITS = ("train", "train", "train", "valid", "test")


def find(name):
    number = name.removeprefix("c-")
    return (Item(name, SPLITS[int(number) % 5], {}),) if number.isdigit() else ()


def text_of(number):
    return f"He speaks like w{number}a w{number}b w{number}c w{number}d w{number}e"


def read(folder, split, kind="speech"):
    with (folder / "pairs" / f"prompt_{kind}_{split}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_captions_stay_with_their_clips_and_wordings_in_one_split(tmp_path):
    captions = [
        Caption("c", text_of(k), f"c-{k + shift}", {"gender": "male"})
        for k in range(0, 2000, 2)
        for shift in (0, 1)
    ]
    report = write_caption_pairs(tmp_path, "speech", [lambda: captions], find)
    texts = {}
    for split in ("train", "valid", "test"):
        rows = read(tmp_path, split)
        assert len(rows) == report["c"][f"pairs_{split}"] > 5
        for row in rows:
            assert find(row["cut"])[0].split == split
            number = int(row["cut"].removeprefix("c-"))
            assert row["prompt"] == text_of(number - number % 2)
        texts[split] = sorted({row["prompt"] for row in rows})
    for split in ("valid", "test"):
        assert overlaps(texts[split], texts["train"]).max() < NEAR
    assert not set(texts["valid"]) & set(texts["test"])
    left = report["c"]["read"] - sum(report["c"][f"pairs_{s}"] for s in ("train", "valid", "test"))
    assert report["c"]["read"] == 2000 and left == report["c"]["other_wording"]


def test_the_reader_of_tables_and_stage_3_take_them(tmp_path):
    known = {"gender": "male", "pitch": "low"}
    says = {"gender": "male", "pace": "slow"}
    captions = [
        Caption("c", "One", "c-0", says, {"soft": True}, known, {"soft": True, "full": False}),
        Caption("c", "Two", "c-1", {}, known=known),
    ]
    write_caption_pairs(tmp_path, "speech", [lambda: captions], find)
    pairs = read_prompts(tmp_path, "train", "speech")
    assert (pairs.prompts, pairs.items) == (["One", "Two"], ["c-0", "c-1"])
    assert read(tmp_path, "train")[0]["item_qualities"] == "-full;soft"
    fits, contradicts = relations(torch.from_numpy(pairs.claims), torch.from_numpy(pairs.facts))
    assert torch.equal(fits, torch.eye(2, dtype=torch.bool))  # its own, though the pace is unknown
    assert not contradicts.any()
    assert np.array_equal(pairs.known[:, 0], [1, 1])


def test_what_is_known_of_the_item_goes_before_what_its_caption_knows(tmp_path):
    def measured(name):
        return [Item(name, "train", {"pitch": "high"}, {"soft": False})]

    caption = Caption("c", "One", "x", known={"pitch": "low", "pace": "fast"},
                      known_qualities={"soft": True, "full": True})  # fmt: skip
    write_caption_pairs(tmp_path, "speech", [lambda: [caption]], measured)
    (row,) = read(tmp_path, "train")
    assert (row["item_pitch"], row["item_pace"]) == ("high", "fast")
    assert row["item_qualities"] == "full;-soft"


def test_a_clip_of_a_video_may_be_several_faces(tmp_path):
    def faces(name):
        return [Item(f"faces/{name}_{k}.jpg", "train", {}) for k in range(2)]

    write_caption_pairs(tmp_path, "face", [lambda: [Caption("c", "One", "x")]], faces)
    found = [row["face"] for row in read(tmp_path, "train", "face")]
    assert found == ["faces/x_0.jpg", "faces/x_1.jpg"]
    assert read(tmp_path, "test", "face") == []


def test_what_cannot_be_used_is_counted(tmp_path):
    captions = [
        Caption("a", "", "c-0"),
        Caption("a", "Here", "c-0"),
        Caption("a", "Here", "c-0"),
        Caption("b", "There", ""),
        Caption("b", "There", "vctk-p225_001_mic1"),
    ]
    report = write_caption_pairs(tmp_path, "speech", [lambda: captions], find)
    assert report == {
        "a": {"read": 3, "without_text": 1, "pairs_train": 1, "repeated": 1},
        "b": {"read": 2, "absent": 2},
    }


def test_rows_of_other_prompts_share_the_tables_and_the_rule(tmp_path):
    held = text_of(1)
    others = {
        "train": [pair_row(Caption("o", text, ""), find("c-0")[0]) for text in ("Other", held)],
        "test": [pair_row(Caption("o", text_of(2), ""), find("c-4")[0])],
    }
    captions = [Caption("c", text_of(k), f"c-{k}") for k in range(2, 100)]
    captions += [Caption("c", held, "c-4"), Caption("c", held, "c-5")] * 3
    report = write_caption_pairs(tmp_path, "speech", [lambda: captions], find, others)
    train, test = ([row["prompt"] for row in read(tmp_path, s)] for s in ("train", "test"))
    assert train[0] == "Other" and text_of(2) in test
    assert text_of(2) not in train  # which the others have in test
    assert (held in train) != (held in test)
    assert len(test) == 1 + report["c"]["pairs_test"]


def test_captions_of_nothing_that_is_there_are_refused_and_nothing_is_written(tmp_path):
    (tmp_path / "caption").mkdir()
    (tmp_path / "caption" / "random_train.csv").write_text(
        "wav_fp,style_prompt\nlibritts/1_2_000003_000004.wav,She speaks.\n"
    )
    source = partial(textrolspeech.read_captions, tmp_path)
    with pytest.raises(InputError, match="no caption of textrolspeech belongs to a clip or"):
        write_caption_pairs(tmp_path / "data", "speech", [source], find)
    assert not list((tmp_path / "data").rglob("*.csv"))


def test_a_source_that_breaks_leaves_no_table(tmp_path):
    def broken():
        yield Caption("c", "One", "c-0")
        raise InputError("cannot read it")

    with pytest.raises(InputError, match="cannot read it"):
        write_caption_pairs(tmp_path, "speech", [broken], find)
    assert not list(tmp_path.rglob("*.*"))
