"""Pictures as img2dataset leaves them: in folders or archives, with JSON or a table of it."""

import json
import logging
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
from archives import archive

from mmtts.data.corpora.public.downloads import Download, Downloads


def facts(number, **more):
    """What the JSON of a picture says, as far as it matters here."""
    key = f"{number:09d}"
    known = {"url": f"http://x/{number}", "caption": "x", "key": key, "status": "success"}
    return {**known, "width": 256, "height": 128, "error_message": None, "exif": "{}", **more}


def folder(root, name, *pictures):
    """A shard as a folder; of each picture the facts."""
    place = root / name
    place.mkdir(parents=True, exist_ok=True)
    for known in pictures:
        (place / f"{known['key']}.jpg").write_bytes(b"jpeg " + known["key"].encode())
        (place / f"{known['key']}.json").write_text(json.dumps(known, indent=4))
        (place / f"{known['key']}.txt").write_text("a caption")
    return place


def content_of(found):
    if found.at is None:
        return found.path.read_bytes()
    first, size = found.at
    return found.path.read_bytes()[first : first + size]


def test_a_picture_is_found_by_its_address_or_by_an_id_that_was_kept(tmp_path):
    folder(tmp_path, "00000", facts(0), facts(1, _id="64af_1", original_width=500))
    folder(tmp_path / "part", "00001", facts(10000, original_width=640, original_height=480))
    downloads = Downloads(tmp_path)
    assert len(downloads) == 3
    assert downloads.find("anything", "http://x/0") == Download(
        tmp_path / "00000" / "000000000.jpg", None, None
    )
    assert downloads.find("64af_1", "").path.name == "000000001.jpg"
    assert downloads.find("64af_1", "").size is None  # the height is unknown
    # Its id tells it; its address may be that of other faces.
    assert downloads.find("64af_2", "http://x/1") is None
    far = downloads.find("64af_3", "http://x/10000")
    assert far.size == (640, 480) and content_of(far) == b"jpeg 000010000"
    assert downloads.find("64af_3", "http://x/10000, http://y/1") == far
    assert downloads.find("64af_3", "") is None


def test_archives_are_read_in_place(tmp_path):
    files = []
    for number in range(3):
        known = facts(number, original_width=300.0, original_height=200.0)
        files += [(f"{known['key']}.json", json.dumps(known).encode())]
        files += [(f"{known['key']}.jpg", f"jpeg {number}".encode()), (f"{known['key']}.txt", b"x")]
    path = archive(tmp_path / "00000.tar", files)
    downloads = Downloads(tmp_path)
    for number in range(3):
        found = downloads.find("", f"http://x/{number}")
        assert found.path == path and found.size == (300, 200)
        assert content_of(found) == f"jpeg {number}".encode()


def test_the_table_of_a_shard_goes_before_its_json(tmp_path):
    place = folder(tmp_path, "00000", facts(0, _id="old"), facts(1, _id="json_1"))
    archive(tmp_path / "00001.tar", [("x/000010000.webp", b"in a tar")])
    for stem, number in (("00000", 0), ("00001", 10000)):
        columns = {"key": f"{number:09d}", "_id": f"table_{number}", "url": None}
        columns |= {"original_width": 20, "original_height": 10, "status": "success"}
        pq.write_table(pa.table({k: [v] for k, v in columns.items()}), tmp_path / f"{stem}.parquet")
    downloads = Downloads(tmp_path)
    assert downloads.find("table_0", "").path == place / "000000000.jpg"
    assert downloads.find("table_0", "").size == (20, 10)
    assert downloads.find("old", "") is None
    assert downloads.find("json_1", "").path == place / "000000001.jpg"
    assert content_of(downloads.find("table_10000", "")) == b"in a tar"


def test_pictures_may_be_named_after_the_face(tmp_path):
    (tmp_path / "images").mkdir()
    for name in ("64af0c_1.jpg", "7.PNG", "é.jpeg", "notes.txt"):
        (tmp_path / "images" / name).write_bytes(name.encode())
    (tmp_path / "images" / "7.json").write_text("[" * 100_000)
    downloads = Downloads(tmp_path)
    assert len(downloads) == 3
    for name in ("64af0c_1", "7", "é"):
        assert downloads.find(name, "").path.stem == name
    assert downloads.find("notes", "") is None


def test_of_two_pictures_of_one_face_the_first_counts(tmp_path):
    folder(tmp_path, "00001", facts(2, _id="a"))
    folder(tmp_path, "00000", facts(0, _id="a"), facts(1, _id="a"))
    assert Downloads(tmp_path).find("a", "").path == tmp_path / "00000" / "000000000.jpg"


def test_what_is_odd_in_an_archive_is_passed_over(tmp_path, caplog):
    path = tmp_path / "00000.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind, target in (
            ("link.jpg", tarfile.SYMTYPE, "/etc/passwd"),
            ("same.jpg", tarfile.LNKTYPE, "link.jpg"),
            ("pipe.jpg", tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    archive(tmp_path / "00001.tar", [("/etc/../x/a.jpg", b"plain"), ("b.jpg", b"cut short")])
    whole = (tmp_path / "00001.tar").read_bytes()
    (tmp_path / "00001.tar").write_bytes(whole[:1100] + b"\xff" * 400)
    (tmp_path / "00002.tar").write_bytes(b"no archive" * 100)
    with caplog.at_level(logging.WARNING):
        downloads = Downloads(tmp_path)
    assert content_of(downloads.find("a", "")) == b"plain"
    assert all(downloads.find(name, "") is None for name in ("link", "same", "pipe"))
    assert "00002.tar is damaged" in caplog.text


def test_nothing_is_there(tmp_path):
    downloads = Downloads(tmp_path)
    assert len(downloads) == 0 and downloads.find("a", "http://x/0") is None
