"""FaceCaption-15M as on the Hugging Face hub: one Parquet file, a row a face."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmtts import InputError
from mmtts.data.corpora.public import facecaption


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
