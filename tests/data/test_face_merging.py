"""Faces of several shards in one table, and with which clips they are paired."""

import csv
import json
from collections import Counter

import pytest

from mmtts.data.face_merging import OTHERS, merge_faces
from mmtts.data.shard_folders import PORTRAITS, ROWS, Shard, digest_of, shard_of


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


def deal(place, count, portraits, clips):
    """The same as shards of `mmtts.data.shard_folders`: by ranges of hashes, and sorted by them."""

    def of(shard, rows):
        mine = [row for row in rows if shard_of(f"c-{row[1]}", count) == shard]
        return sorted(mine, key=lambda row: digest_of(f"c-{row[1]}"))

    shards = [Shard(k + 1, count) for k in range(count)]
    return [lay(place / s.folder, of(s, portraits), of(s, clips)) for s in shards]


def rows_of(path):
    with path.open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.fixture
def merged(tmp_path):
    """Ann has six clips, Bea two and one that cannot be used; nobody ever heard Cay."""
    ann = [("c-ann", f"a{k}") for k in range(6)]
    bea = [("c-bea", "b0"), ("c-bea", "b1")]
    portraits = [(*clip, 0) for clip in [*ann, *bea]] + [("c-bea", "b2", 0), ("c-cay", "x0", 0)]
    everything = (portraits, [*ann, *bea])
    shards = deal(tmp_path / "c", 2, *everything)
    (tmp_path / "3").mkdir()  # a shard of speech alone
    split = {"c-ann": "train", "c-bea": "test", "d-dan": "train"}
    report = merge_faces(tmp_path, [*shards, tmp_path / "3"], split)
    return tmp_path, report, everything, split


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
    assert sorted(rows_of(out / "pairs" / "face_speech_test.csv")) == [
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
    out, report, everything, split = merged
    for count in (1, 5):
        other = tmp_path / f"other{count}"
        shards = deal(other / "c", count, *everything)
        assert merge_faces(other, shards[::-1], split) == report
        for name in ("faces.csv", "pairs/face_speech_train.csv", "pairs/face_speech_test.csv"):
            assert (other / name).read_bytes() == (out / name).read_bytes()


def test_faces_without_a_clip_are_in_no_pair(tmp_path):
    """Of 20 videos nobody hears a voice; the portraits of each are in one split."""
    folder = lay(
        tmp_path / "1", [(f"c-p{k % 10}", f"v{k}", n) for k in range(20) for n in (0, 1)], []
    )
    rows = [json.loads(line) for line in (folder / PORTRAITS).read_text().splitlines()]
    for row in rows:
        del row["clip"]
    (folder / PORTRAITS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = merge_faces(tmp_path, [folder], {"d-dan": "train"})
    faces = rows_of(tmp_path / "faces.csv")
    assert len(faces) == 40 and len({(person, split) for _, person, split, *_ in faces}) == 10
    counts = {"train": (32, 8), "valid": (4, 1), "test": (4, 1)}
    assert report == {
        "faces": {"c": {s: {"faces": f, "people": p} for s, (f, p) in counts.items()}},
        "pairs": {"face_speech": {}},
    }
    assert all(not rows_of(tmp_path / "pairs" / f"face_speech_{s}.csv") for s in counts)


def test_without_portraits_nothing_is_written(tmp_path):
    (tmp_path / "1").mkdir()
    assert merge_faces(tmp_path / "out", [tmp_path / "1"], {}) == {}
    assert not (tmp_path / "out").exists()
