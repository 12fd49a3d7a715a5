"""Shards of faces without voices: killed workers lose and repeat nothing, bad items are named."""

import json
import shutil
from pathlib import Path

import pytest
from killed_extraction import kill_at_work
from moving_pictures import SIDE, make_video
from PIL import Image

from mmtts import InputError
from mmtts.data.corpora import Footage, Photo
from mmtts.data.extraction import EXTRACTED, FOOTAGE, PHOTOS
from mmtts.data.face_merging import merge_faces
from mmtts.data.face_tracks import Tracking
from mmtts.data.portrait_shards import prepare_photos, prepare_silent_footage
from mmtts.data.shard_folders import PORTRAITS, ROWS, SKIPPED, deal_items, read_items

skimage_data = pytest.importorskip("skimage.data")
COUNT = 10


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Ten pictures of her, one of nobody, one that is none, one that is tiny."""
    folder = tmp_path_factory.mktemp("pictures")
    head = Image.fromarray(skimage_data.astronaut()).crop((110, 0, 340, 230))
    for k in range(COUNT):
        head.rotate(k).save(folder / f"{k}.jpg")
    Image.new("RGB", (200, 200), (90, 90, 90)).save(folder / "nobody.jpg")
    head.resize((60, 60)).save(folder / "tiny.jpg")
    (folder / "broken.jpg").write_bytes(b"<html>no longer there</html>")
    return folder


def photos(folder):
    return [Photo("web", path.stem, path, f"web-{path.stem}") for path in sorted(folder.iterdir())]


@pytest.fixture
def shard(pictures, tmp_path):
    """The folder of the only shard."""
    place = tmp_path / "out" / "speech" / "shards" / "web"
    (folder,) = deal_items(photos(pictures), place, 1, name=PHOTOS).values()
    return folder


def out_of(folder):
    return folder.parents[3]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def state(folder):
    """Every file with its size and time."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_all_that_is_known_of_a_photo_comes_back(tmp_path):
    box, size = (1.0, 2.0, 3.5, 4.0), (640, 480)
    known = Photo("web", "x", Path("/p/0.tar"), "web-x", "male", (512, 1000), box, size)
    plain = Photo("web", "y", Path("/p/y.jpg"), "web-y")
    (folder,) = deal_items([known, plain], tmp_path / "c", 1, name=PHOTOS).values()
    assert {item.id: item for item in read_items(folder, Photo, PHOTOS)} == {"x": known, "y": plain}


def test_portraits_and_reasons_of_a_shard(shard):
    prepare_photos(shard, out_of(shard))
    assert (shard / ROWS).read_bytes() == b""
    portraits = lines(shard / PORTRAITS)
    assert {row["person"] for row in portraits} == {f"web-{k}" for k in range(COUNT)}
    assert len(portraits) == COUNT
    assert all((out_of(shard) / row["face"]).is_file() for row in portraits)
    reasons = {row["id"]: row["skipped"] for row in lines(shard / SKIPPED)}
    assert reasons.keys() == {"web-nobody", "web-broken", "web-tiny"}
    assert "shows no face" in reasons["web-nobody"]
    assert "is no picture" in reasons["web-broken"] and "pixels wide" in reasons["web-tiny"]
    before = state(out_of(shard))
    prepare_photos(shard, out_of(shard))
    assert state(out_of(shard)) == before


WORKER = """
import sys
from pathlib import Path
from mmtts.data.portrait_shards import prepare_photos
folder = Path(sys.argv[1])
prepare_photos(folder, folder.parents[3])
"""


def test_a_killed_worker_goes_on_where_it_was(shard, tmp_path):
    whole = tmp_path / "whole" / shard.relative_to(out_of(shard))
    shutil.copytree(shard, whole)
    prepare_photos(whole, tmp_path / "whole")

    kept = kill_at_work(WORKER, shard, b'{"id": "web-1", "sou')
    prepare_photos(shard, out_of(shard))
    assert (shard / EXTRACTED).read_bytes().startswith(kept)
    assert len(lines(shard / EXTRACTED)) == COUNT + 3  # each once
    for name in (ROWS, PORTRAITS, SKIPPED):
        assert (shard / name).read_bytes() == (whole / name).read_bytes()


def test_what_changed_or_is_tried_again_is_done_again(shard, pictures, tmp_path):
    prepare_photos(shard, out_of(shard))
    copy = tmp_path / "new.jpg"
    shutil.copy(pictures / "0.jpg", copy)
    changed = [
        p if p.id != "nobody" else Photo("web", p.id, copy, p.person) for p in photos(pictures)
    ]
    deal_items(changed, shard.parent, 1, name=PHOTOS)
    assert not (shard / ROWS).exists()
    prepare_photos(shard, out_of(shard))
    assert len(lines(shard / EXTRACTED)) == COUNT + 4 and len(lines(shard / PORTRAITS)) == COUNT + 1
    prepare_photos(shard, out_of(shard), retry=True)
    again = [row["id"] for row in lines(shard / EXTRACTED)[COUNT + 4 :]]
    assert sorted(again) == ["web-broken", "web-tiny"]


def test_the_first_of_a_table_that_names_a_face_twice_counts(pictures, tmp_path):
    twice = [Photo("web", "x", pictures / f"{k}.jpg", "web-x") for k in (1, 0)]
    (folder,) = deal_items(twice, tmp_path / "s" / "s" / "web", 1, name=PHOTOS).values()
    prepare_photos(folder, tmp_path)
    assert len(lines(folder / PORTRAITS)) == 1
    assert read_items(folder, Photo, PHOTOS, first_counts=True) == twice[:1]
    with pytest.raises(InputError, match="two items have the id web-x"):
        read_items(folder, Photo, PHOTOS)


def test_the_merge_is_the_same_for_any_number_of_shards(pictures, tmp_path):
    tables = []
    for count in (1, 4):
        out = tmp_path / str(count)
        place = out / "speech" / "shards" / "web"
        shards = deal_items(photos(pictures), place, count, name=PHOTOS)
        for folder in shards.values():
            prepare_photos(folder, out)
        report = merge_faces(out, list(shards.values()), {"someone": "train"})
        faces = (out / "faces.csv").read_text()
        assert all((out / line.split(",")[0]).is_file() for line in faces.splitlines()[1:])
        tables.append((report, faces))
    assert tables[0] == tables[1]
    assert tables[0][0]["faces"]["web"]["train"] == {"faces": 8, "people": 8}


def test_silent_videos_are_shards_too(tmp_path):
    pytest.importorskip("av")
    head = Image.fromarray(skimage_data.astronaut()).crop((110, 0, 340, 230)).resize((SIDE, SIDE))
    path = make_video(tmp_path / "ab_0_0.mp4", [(1.2, lambda _: head)])
    (tmp_path / "ab_0_1.mp4").write_bytes(b"nothing of use")
    footage = [
        Footage("celebv_text", name, path.with_stem(name), "celebv_text-ab")
        for name in ("ab_0_0", "ab_0_1")
    ]
    (folder,) = deal_items(footage, tmp_path / "s" / "s" / "c", 1, name=FOOTAGE).values()
    tracking = Tracking(rate=2.5, stills=2)
    prepare_silent_footage(folder, tmp_path, tracking)
    rows = lines(folder / PORTRAITS)
    assert [row["id"] for row in rows] == [f"ab_0_0-{k}" for k in range(len(rows))] and rows
    assert {row["person"] for row in rows} == {"celebv_text-ab"}
    assert [row["id"] for row in lines(folder / SKIPPED)] == ["celebv_text-ab_0_1"]
    before = state(tmp_path)
    prepare_silent_footage(folder, tmp_path, tracking)
    assert state(tmp_path) == before
    prepare_silent_footage(folder, tmp_path, Tracking(rate=2.5, stills=1))
    assert len(lines(folder / PORTRAITS)) == 1
