"""Tables as csv and as Parquet: the same rows and batches, one sentence for what is broken."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.data.columns import Strings
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import read_face_speech, read_faces, read_prompts
from mmtts.data.pairs import FaceSpeechData
from mmtts.data.prepared import write_table
from mmtts.data.prompt_pairs import PromptData
from mmtts.data.table_files import read_columns, table_path

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
FACES = ("face", "person", "split", "gender", "age", "expression")


@pytest.fixture(scope="module")
def as_parquet(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prepared folder with Parquet in place of every csv."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("parquet") / "data")
    for path in [folder / "faces.csv", *sorted((folder / "pairs").iterdir())]:
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        columns = read_columns(path, header)
        rows = zip(*columns.values(), strict=True)
        write_table(path.with_suffix(".parquet"), header, ([c or None for c in r] for r in rows))
        path.unlink()
    return folder


def batches(folder: Path, clips: str) -> list[Any]:
    """Two epochs of stage 2 and one of stage 3, with numbers that follow from the ids."""

    def table(ids: Sequence[str], *shape: int) -> Table:
        seeds = [sum(map(ord, id_)) for id_ in ids]
        return Table("x", ids, np.stack([np.random.default_rng(s).random(shape) for s in seeds]))

    torch.manual_seed(0)
    two = FaceSpeechData(str(folder), batch_size=6, clips=clips)
    two.setup("fit")
    cuts = sorted({f"{p}-{k}" for p in [*two.people, "hum-07"] for k in range(9)})
    known = {cut for s in two.tables for cut in read_face_speech(folder, s).column("cut")}
    faces = two.paired_faces()
    two.attach(table(sorted({*cuts, *known}), 3), table(faces, 4, 5), None, views=4)
    found = []
    for epoch in range(2):
        loader = two.train_dataloader()
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        found += list(loader)
    three = PromptData(str(folder), batch_size=6, epoch_pairs=60)
    three.setup("fit")
    three.attach({m: table(three.items(m), 3) for m in three.modalities}, None)
    return [*found, *two.val_dataloader(), *three.train_dataloader()]


@pytest.mark.parametrize("clips", ["all", "sampled"])
def test_csv_and_parquet_give_equal_batches(prepared: Path, as_parquet: Path, clips: str) -> None:
    pairs = list(zip(batches(prepared, clips), batches(as_parquet, clips), strict=True))
    assert len(pairs) > 10
    for left, right in pairs:
        for name, a, b in zip(left._fields, left, right, strict=True):
            if isinstance(a, torch.Tensor):
                torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
            else:
                assert a == b, name


def test_parquet_holds_the_same_rows(prepared: Path, as_parquet: Path) -> None:
    assert list(read_faces(as_parquet)) == list(read_faces(prepared))
    for item in ("speech", "face"):
        one, other = (read_prompts(f, "train", item) for f in (prepared, as_parquet))
        assert one.prompts == other.prompts and one.items == other.items
        assert (one.claims == other.claims).all() and (one.facts == other.facts).all()


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text("aä,;\"'\n x", max_size=4), st.sampled_from([None, "", "1", "é"])),
        max_size=8,
    )
)
def test_both_endings_keep_all_cells(rows: list, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("t")
    expected = [(a, b or "") for a, b in rows]
    for ending in (".csv", ".parquet"):
        write_table(folder / f"t{ending}", ("a", "b"), rows)
        columns = read_columns(folder / f"t{ending}", ["b"], ["a", "c"])
        assert columns["b"] == [b for _, b in expected]
        assert columns["a"] == [a for a, _ in expected] and columns["c"] == [""] * len(rows)


def test_row_groups_of_any_encoding_are_one_column(tmp_path: Path) -> None:
    cells = [["b", None, "a"], ["c", "a", ""], []]
    coded = [pa.array(c, pa.string()).dictionary_encode() for c in cells]
    schema = pa.schema([("x", coded[0].type)])
    with parquet.ParquetWriter(tmp_path / "t.parquet", schema) as file:
        for part in coded:
            file.write_table(pa.Table.from_arrays([part], schema=schema))
    column = read_columns(tmp_path / "t.parquet", ["x"])["x"]
    assert column == ["b", "", "a", "c", "a", ""]
    assert sorted(column.values) == ["", "a", "b", "c"] and column.codes.dtype == np.int32
    nothing = pa.table({"x": pa.nulls(3)})
    parquet.write_table(nothing, tmp_path / "n.parquet")
    assert read_columns(tmp_path / "n.parquet", ["x"])["x"] == ["", "", ""]


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_faces(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_broken_parquet_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "faces.parquet"
    path.write_bytes(b"PAR1 no table at all PAR1")
    assert "cannot read" in refusal(tmp_path) and "faces.parquet" in refusal(tmp_path)
    parquet.write_table(pa.table({"face": ["a.png"]}), path)
    assert "no column 'person', only face" in refusal(tmp_path)
    good = {name: ["x"] for name in FACES}
    parquet.write_table(pa.table({**good, "age": [34.0]}), path)
    assert "double in the column 'age'; write it as text" in refusal(tmp_path)
    parquet.write_table(pa.table({**good, "face": [["a.png"]]}), path)
    assert "in the column 'face'" in refusal(tmp_path)
    parquet.write_table(pa.table([["x"]] * 7, names=[*FACES, "face"]), path)
    assert "'face' twice" in refusal(tmp_path)
    whole = tmp_path / "whole.parquet"
    write_table(whole, FACES, [("a.png", "p", "train", "", "", "")] * 100)
    path.write_bytes(whole.read_bytes()[:-40])
    assert "cannot read" in refusal(tmp_path)
    path.unlink()
    path.mkdir()
    assert "cannot read" in refusal(tmp_path)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("face", ["/etc/passwd", "../a.png", "faces/../../a.png", ""])
def test_a_face_elsewhere_is_refused(face: str, ending: str, tmp_path: Path) -> None:
    rows = [(path, "p", "train", "", "", "") for path in ("a.png", face)]
    write_table(tmp_path / f"faces{ending}", FACES, rows)
    assert "no path within the data folder" in refusal(tmp_path)
    assert ("line 3" if ending == ".csv" else "row 2") in refusal(tmp_path)
    pairs = tmp_path / "pairs" / f"face_speech_train{ending}"
    write_table(pairs, ("face", "cut", "person"), [(face, "c", "p")])
    with pytest.raises(InputError, match="no path within the data folder"):
        read_face_speech(tmp_path, "train")


def test_an_age_must_be_a_number(tmp_path: Path) -> None:
    write_table(tmp_path / "faces.csv", FACES, [("a.png", "p", "train", "", "old", "")])
    assert "line 2: the age 'old' is no number" in refusal(tmp_path)


def test_two_files_of_one_table_are_refused(prepared: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(prepared, tmp_path / "data")
    write_table(folder / "faces.parquet", FACES, [])
    assert "both faces.csv and faces.parquet" in refusal(folder)
    assert table_path(prepared, "faces").name == "faces.csv"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "faces.parquet", FACES, [])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'mmtts[cluster]'" in refusal(tmp_path)
    with pytest.raises(InputError, match="needs pyarrow"):
        write_table(tmp_path / "other.parquet", FACES, [])
    assert not (tmp_path / "other.parquet").exists()


def test_columns_share_what_is_equal(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", ("p",), [(f"person {k % 3}",) for k in range(1000)])
    column = read_columns(tmp_path / "t.parquet", ["p"])["p"]
    assert isinstance(column, Strings) and len(column) == 1000 and len(column.values) == 3
