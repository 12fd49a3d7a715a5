"""Dealing a corpus: every clip is in one shard, whatever their number, in an order of its own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.preparation import full_id
from mmtts.data.shard_folders import (
    ROWS,
    Shard,
    deal_items,
    digest_of,
    parse_shard,
    read_items,
    rewriting,
    shard_of,
)

NAMES = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


def clips_of(names: list[str]) -> list[Clip]:
    return [Clip("c", name, Path(f"/x/{name}.wav"), f"c-{name[0]}") for name in names]


@given(names=NAMES, total=st.integers(1, 97))
def test_shards_are_ranges_of_one_order(names, total):
    shards = {name: shard_of(name, total) for name in names}
    assert all(1 <= shard.number <= shard.total == total for shard in shards.values())
    ordered = [shards[name].number for name in sorted(names, key=digest_of)]
    assert ordered == sorted(ordered)


def test_shards_are_of_about_one_size():
    numbers = [shard_of(f"c-{k}", 4).number for k in range(4000)]
    assert all(900 < numbers.count(number) < 1100 for number in (1, 2, 3, 4))


@pytest.mark.parametrize("total", [1, 2, 7, 30])
def test_every_clip_is_dealt_once_as_the_corpus_has_it(tmp_path, total):
    clips = [
        Clip(
            "c", "a-1", tmp_path / "a.wav", "c-s", "“Ah”\u2028b", "male", 3, "sad", {"full": True}
        ),
        Clip("c", "a-2", tmp_path / "a.wav", "c-s", accent="native", span=(0.5, 1.25)),
        *clips_of([str(k) for k in range(20)]),
    ]
    folders = deal_items(iter(clips), tmp_path / "c", total)
    assert list(folders) == [f"{k}/{total}" for k in range(1, total + 1)]
    dealt = [clip for folder in folders.values() for clip in read_items(folder)]
    assert dealt == sorted(clips, key=lambda clip: digest_of(full_id(clip)))


def test_one_shard_alone_is_that_of_all(tmp_path):
    clips = clips_of([str(k) for k in range(20)])
    every = deal_items(clips, tmp_path / "a", 3)
    alone = deal_items(clips, tmp_path / "b", 3, only=Shard(2, 3))
    assert list(alone) == ["2/3"]
    assert read_items(alone["2/3"]) == read_items(every["2/3"])
    assert not (tmp_path / "b" / "1-of-3").exists()


def test_another_number_of_shards_is_refused(tmp_path):
    deal_items(clips_of(["x"]), tmp_path / "c", 2)
    with pytest.raises(InputError, match="in 2 shards: go on with 2"):
        deal_items(clips_of(["x"]), tmp_path / "c", 3)


def test_two_clips_of_one_name_and_names_that_lead_elsewhere_are_refused(tmp_path):
    (folder,) = deal_items(clips_of(["x", "x"]), tmp_path / "c", 1).values()
    with pytest.raises(InputError, match="two items have the id c-x"):
        read_items(folder)
    with pytest.raises(InputError, match="cannot be the name of a file"):
        deal_items(clips_of(["../x"]), tmp_path / "d", 1)
    assert not list((tmp_path / "d").rglob("*.jsonl"))


def test_a_shard_with_other_clips_is_not_finished(tmp_path):
    (folder,) = deal_items(clips_of(["x", "y"]), tmp_path / "c", 1).values()
    (folder / ROWS).touch()
    deal_items(clips_of(["x", "y"]), tmp_path / "c", 1)
    assert (folder / ROWS).exists()
    deal_items(clips_of(["x"]), tmp_path / "c", 1)
    assert not (folder / ROWS).exists()


def test_a_file_is_rewritten_only_where_it_differs_and_never_by_half(tmp_path):
    path = tmp_path / "a"
    path.write_text("one")
    before = path.stat().st_mtime_ns
    with rewriting(path) as file:
        file.write("one")
    assert path.stat().st_mtime_ns == before
    with pytest.raises(TypeError), rewriting(path) as file:
        file.writelines(["two", 2])
    assert path.read_text() == "one" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("text", ["0/4", "5/4", "4", "1/0", "-1/4", "1/4/2", "one/two"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(InputError, match="is no shard"):
        parse_shard(text)
    assert parse_shard("3/64") == Shard(3, 64)
    assert Shard(3, 64).folder == "03-of-64"
