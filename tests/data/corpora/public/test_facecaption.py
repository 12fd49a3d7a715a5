"""FaceCaption-15M as on the Hugging Face hub: one Parquet file, a row a face."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import archive

from mmtts import InputError
from mmtts.data.corpora.public import facecaption
from mmtts.data.preparation import full_id


def write(root, **columns):
    pq.write_table(pa.table(columns), root / "FaceCaption-v2.parquet")
    return root


def test_captions_belong_to_their_faces(tmp_path):
    texts = [
        ["The elderly man has gray hair and a broad smile."],
        ["A young woman, no smile on her face."],
        [],
        None,
    ]
    write(
        tmp_path,
        _id=["64af0c_1", "64af0d_0", "64af0e_0", "../64af"],
        caption=texts,
        url=["http://a", "http://b", None, ""],
        laion_caption=[["x"]] * 4,
        box=["[1, 2, 3, 4]"] * 4,
    )
    old, young, empty, hostile = facecaption.read_captions(tmp_path)
    assert old.item == "facecaption-64af0c_1"
    assert old.attributes == old.known == {"gender": "male", "age": "elderly", "emotion": "happy"}
    assert young.attributes == {"gender": "female", "age": "young"}
    assert (empty.text, empty.item) == ("", "facecaption-64af0e_0")
    assert hostile.item == ""


def test_another_spelling_of_the_columns_and_numbers_for_names_will_do(tmp_path):
    (caption,) = facecaption.read_captions(write(tmp_path, id=[7], face_caption=["He grins."]))
    assert caption.item == "facecaption-7"
    assert caption.attributes == {"gender": "male", "emotion": "happy"}


def test_what_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"holds no \*\.parquet"):
        list(facecaption.read_captions(tmp_path))
    with pytest.raises(InputError, match="no column caption or face_caption"):
        list(facecaption.read_captions(write(tmp_path, _id=["a"], url=["b"])))


def test_pictures_belong_to_the_faces_of_the_table(tmp_path):
    for stem in ("64_0", "64_1", "64_2"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / f"{stem}.jpg").write_bytes(b"jpeg")
    write(
        tmp_path,
        _id=["64_0", "64_1", "64_2", "64_3", "../64_0", None],
        caption=[["x"]] * 6,
        url=["http://a", "http://a", None, "http://c", "http://a", "http://a"],
        box=["[1, 2, 30, 40]", "[30, 2, 1, 40]", None, "[1, 2, 30, 40]", "", ""],
    )
    one, same, alone = facecaption.read_photos(tmp_path)
    assert (one.corpus, one.id, one.box) == ("facecaption", "64_0", (1.0, 2.0, 30.0, 40.0))
    assert one.path == tmp_path / "images" / "64_0.jpg" and one.at is one.size is None
    # One address is one picture, whose faces are kept in one split.
    assert one.person == same.person != alone.person == "facecaption-64_2"
    assert same.box is alone.box is None
    (caption, *_) = facecaption.read_captions(tmp_path)
    assert caption.item == full_id(one)


def test_an_archive_tells_which_picture_and_how_it_was_scaled(tmp_path):
    write(tmp_path, _id=["a", "b"], caption=[["x"]] * 2, url=["http://a", "http://b"])
    facts = {"key": "000000000", "url": "http://b", "original_width": 500, "original_height": 400}
    archive(
        tmp_path / "00000.tar",
        [("000000000.jpg", b"jpeg"), ("000000000.json", json.dumps(facts).encode())],
    )
    (photo,) = facecaption.read_photos(tmp_path)
    assert photo.id == "b" and photo.path == tmp_path / "00000.tar" and photo.size == (500, 400)
    first, size = photo.at
    assert photo.path.read_bytes()[first : first + size] == b"jpeg"


def test_tables_of_downloads_and_older_versions_are_no_captions(tmp_path):
    def table(name, face):
        pq.write_table(
            pa.table({"_id": [face], "caption": ["She."], "key": ["0"]}), tmp_path / name
        )

    table("FaceCaption-v1.parquet", "old")
    table("FaceCaption-v2.parquet", "new")
    table("00000.parquet", "download")
    (tmp_path / "00000").mkdir()
    table("00001.parquet", "download")
    (tmp_path / "00001.tar").touch()
    assert [c.item for c in facecaption.read_captions(tmp_path)] == ["facecaption-new"]
    table("FaceCaption-v10.parquet", "newest")
    table("0000.parquet", "part")  # as the hub converts large tables
    found = {c.item for c in facecaption.read_captions(tmp_path)}
    assert found == {"facecaption-newest", "facecaption-part"}


@pytest.mark.parametrize(
    ("cell", "box"),
    [
        ("[1, 2, 3, 4.5]", (1, 2, 3, 4.5)),
        ([1, 2, 3, 4], (1, 2, 3, 4)),
        ("[-3, -2, 3, 4]", (-3, -2, 3, 4)),
        ("[1, 2, 3]", None),
        ("[1, 2, 1, 4]", None),
        ('["nan", 2, 3, 4]', None),
        ("[[1], 2, 3, 4]", None),
        ("no box", None),
        ("[" * 100_000, None),
        (7, None),
        (None, None),
    ],
)
def test_a_box_is_four_numbers(cell, box):
    assert facecaption.box_of(cell) == box


def test_pictures_that_are_missing_are_one_sentence(tmp_path):
    write(tmp_path, _id=["a"], caption=[["x"]])
    with pytest.raises(InputError, match="no picture is below"):
        list(facecaption.read_photos(tmp_path))
