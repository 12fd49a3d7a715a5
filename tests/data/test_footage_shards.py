"""A shard of videos: killed workers lose and repeat nothing, and bad videos are reported."""

import json
import os
import shutil
from pathlib import Path

import pytest
from killed_extraction import kill_at_work
from moving_pictures import SIDE, make_video, tone
from PIL import Image

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora import Footage
from mmtts.data.extraction import EXTRACTED, FOOTAGE
from mmtts.data.face_tracks import Tracking
from mmtts.data.footage_shards import prepare_footage
from mmtts.data.shard_folders import PORTRAITS, ROWS, SKIPPED, deal_items, read_items
from mmtts.data.shards import Manner

pytest.importorskip("av")
pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
skimage_data = pytest.importorskip("skimage.data")
TRACKING = Tracking(rate=2.5, stills=1)
COUNT = 3


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    face = Image.fromarray(skimage_data.astronaut())
    shown = face.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (110, 0, 340, 230))
    for k in range(COUNT):
        make_video(
            folder / f"{k}.mp4", [(1.2, lambda _: shown)], tone(1.2, 16_000, [(0.1 * k, 1.2)])
        )
    (folder / "broken.mp4").write_bytes(b"nothing of use")
    return folder


@pytest.fixture
def shard(videos, tmp_path):
    """The folder of the only shard."""
    footage = [
        Footage("some", str(k), videos / f"{k}.mp4", f"some-{k}", "female") for k in range(COUNT)
    ]
    footage.append(Footage("some", "broken", videos / "broken.mp4", "some-x"))
    place = tmp_path / "out" / "speech" / "shards" / "some"
    (folder,) = deal_items(footage, place, 1, name=FOOTAGE).values()
    return folder


WORKER = """
import sys
from pathlib import Path
from mmtts.data.face_tracks import Tracking
from mmtts.data.footage_shards import prepare_footage
from mmtts.data.shards import Manner
folder = Path(sys.argv[1])
prepare_footage(folder, folder.parents[3], Manner(), Tracking(rate=2.5, stills=1))
"""


def prepare(folder: Path) -> None:
    prepare_footage(folder, folder.parents[3], Manner(), TRACKING)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def state(folder):
    """Every file with its size and time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_all_that_is_known_of_footage_comes_back(tmp_path):
    words = (WordSpan("hello", 0.5, 0.75), WordSpan("there", 1.0, 1.5))
    item = Footage(
        "some", "x", Path("/v/x.mp4"), "some-ann", "male", "hello there", words, (0.25, 2.0),
        (0.5, 0.25), "dev",
    )  # fmt: skip
    (folder,) = deal_items([item], tmp_path / "c", 1, name=FOOTAGE).values()
    assert read_items(folder, Footage, FOOTAGE) == [item]


def test_clips_and_portraits_of_a_shard(shard):
    prepare(shard)
    out = shard.parents[3]
    rows = lines(shard / ROWS)
    assert sorted(row["id"] for row in rows) == ["some-0-0", "some-1-0", "some-2-0"]
    assert {row["speaker"] for row in rows} == {"some-0", "some-1", "some-2"}
    portraits = lines(shard / PORTRAITS)
    assert sorted(row["clip"] for row in portraits) == ["0-0", "1-0", "2-0"]
    assert all((out / row["face"]).is_file() for row in portraits)
    (bad,) = lines(shard / SKIPPED)
    assert bad["id"] == "some-broken" and "broken.mp4" in bad["skipped"]
    before = state(out)
    prepare(shard)
    assert state(out) == before


def test_a_killed_worker_goes_on_where_it_was(shard, tmp_path):
    whole = tmp_path / "whole" / shard.relative_to(tmp_path / "out")
    shutil.copytree(shard, whole)
    prepare(whole)

    kept = kill_at_work(WORKER, shard, b'{"id": "some-1", "sou')
    prepare(shard)
    assert (shard / EXTRACTED).read_bytes().startswith(kept)
    assert sorted(row["id"] for row in lines(shard / EXTRACTED)) == [
        "some-0", "some-1", "some-2", "some-broken",
    ]  # fmt: skip
    for name in (ROWS, PORTRAITS, SKIPPED):
        assert (shard / name).read_bytes() == (whole / name).read_bytes()


def test_footage_that_changed_is_extracted_again(shard, videos, tmp_path):
    prepare(shard)
    before = {row["id"]: row["source"] for row in lines(shard / EXTRACTED)}
    copy = shutil.copy(videos / "0.mp4", tmp_path / "0.mp4")
    os.utime(copy, (1, 1))
    footage = read_items(shard, Footage, FOOTAGE)
    changed = [
        Footage(**{**vars(f), "path": tmp_path / "0.mp4"}) if f.id == "0" else f for f in footage
    ]
    deal_items(changed, shard.parent, 1, name=FOOTAGE)
    prepare(shard)
    assert len(lines(shard / EXTRACTED)) == COUNT + 2
    again = lines(shard / EXTRACTED)[-1]
    assert again["id"] == "some-0" and again["source"] != before["some-0"]


def test_two_workers_do_not_write_one_shard(shard):
    from mmtts.data.shard_journal import lock

    with (shard / EXTRACTED).open("a+b") as file:
        lock(file, shard)
        with pytest.raises(InputError, match="by another process"):
            prepare(shard)
