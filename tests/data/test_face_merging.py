"""Faces of several shards in one table, and with which clips they are paired."""

import csv
import json
from collections import Counter

import pytest

from mmtts.data.extraction import PORTRAITS
from mmtts.data.face_merging import OTHERS, merge_faces
from mmtts.data.shard_folders import ROWS


def lay(folder, portraits, clips):
    """A finished shard: (person, clip, number) of portraits, (person, clip) of usable clips."""
    folder.mkdir(parents=True)
    faces = [
        {
            "corpus": "c",
            "id": f"{clip}-{number}",
            "face": f"faces/c/{person}/{clip}-{number}.jpg",
            "person": person,
            "gender": None,
            "clip": clip,
        }
        for person, clip, number in portraits
    ]
    rows = [{"id": f"c-{clip}", "speaker": person} for person, clip in clips]
    for name, values in ((PORTRAITS, faces), (ROWS, rows)):
        (folder / name).write_text("".join(json.dumps(value) + "\n" for value in values))
    return folder


def rows_of(path):
    with path.open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.fixture
def merged(tmp_path):
    """Ann has six clips, Bea two and one that cannot be used; nobody ever heard Cay."""
    ann = [("c-ann", f"a{k}") for k in range(6)]
    bea = [("c-bea", "b0"), ("c-bea", "b1")]
    portraits = [(*clip, 0) for clip in [*ann, *bea]] + [("c-bea", "b2", 0), ("c-cay", "x0", 0)]
    shards = [
        lay(tmp_path / "1", portraits[::2], [*ann, *bea][::2]),
        lay(tmp_path / "2", portraits[1::2], [*ann, *bea][1::2]),
    ]
    (tmp_path / "3").mkdir()  # a shard of speech alone
    split = {"c-ann": "train", "c-bea": "test", "d-dan": "train"}
    report = merge_faces(tmp_path, [*shards, tmp_path / "3"], split)
    return tmp_path, report, shards, split


def test_a_face_goes_with_its_own_clip_and_few_others(merged):
    out, report, _, _ = merged
    train = rows_of(out / "pairs" / "face_speech_train.csv")
    assert Counter(face for face, _, _ in train) == {
        f"faces/c/c-ann/a{k}-0.jpg": 1 + OTHERS for k in range(6)
    }
    assert len(set(train)) == len(train) and {person for *_, person in train} == {"c-ann"}
    assert all((f"faces/c/c-ann/a{k}-0.jpg", f"c-a{k}", "c-ann") in train for k in range(6))
    assert len({cut for _, cut, _ in train}) == 6
    assert report["pairs"]["face_speech"] == {"train": 24, "test": 2}


def test_held_out_faces_go_with_their_own_clip_alone(merged):
    out, _, _, _ = merged
    assert rows_of(out / "pairs" / "face_speech_test.csv") == [
        ("faces/c/c-bea/b0-0.jpg", "c-b0", "c-bea"),
        ("faces/c/c-bea/b1-0.jpg", "c-b1", "c-bea"),
    ]
    assert rows_of(out / "pairs" / "face_speech_valid.csv") == []


def test_people_keep_the_split_of_their_voice(merged):
    out, report, _, _ = merged
    faces = rows_of(out / "faces.csv")
    assert {(row[1], row[2]) for row in faces} == {
        ("c-ann", "train"), ("c-bea", "test"), ("c-cay", "train"),
    }  # fmt: skip
    assert report["faces"] == {
        "c": {"train": {"faces": 7, "people": 2}, "test": {"faces": 3, "people": 1}}
    }


def test_the_outcome_does_not_depend_on_the_shards(merged, tmp_path):
    out, _, shards, split = merged
    other = tmp_path / "other"
    merge_faces(other, shards[::-1], split)
    for name in ("faces.csv", "pairs/face_speech_train.csv"):
        assert (other / name).read_bytes() == (out / name).read_bytes()


def test_without_portraits_nothing_is_written(tmp_path):
    (tmp_path / "1").mkdir()
    assert merge_faces(tmp_path / "out", [tmp_path / "1"], {}) == {}
    assert not (tmp_path / "out").exists()
