"""Published tables: whatever a release looks like, rows come one by one, or one clear sentence."""

import json
import sys
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmtts import InputError
from mmtts.data.corpora.public.tables import (
    find_tables,
    stream_csv,
    stream_json_lines,
    stream_parquet,
    texts_of,
)

COLUMNS = {"clip": ("item_name", "path"), "text": ("style_prompt", "prompt"), "pitch": ("pitch",)}
NEEDED = ("clip", "text")


@pytest.mark.parametrize("bar", [",", "|", "\t"])
def test_columns_are_found_however_they_are_parted_and_spelled(tmp_path, bar):
    table = tmp_path / "a.csv"
    header = bar.join(("num", "Path", "pitch ", "prompt"))
    table.write_text(f"\ufeff{header}\r\n1{bar}a.wav{bar} low {bar}He speaks.\r\n2{bar}b.wav\r\n")
    assert list(stream_csv(table, "c", COLUMNS, NEEDED)) == [
        {"clip": "a.wav", "text": "He speaks.", "pitch": "low"},
        {"clip": "b.wav", "text": "", "pitch": ""},
    ]


def test_the_usual_spelling_goes_first_and_an_unneeded_column_may_be_absent(tmp_path):
    (tmp_path / "a.csv").write_text('path,item_name,prompt\nx/1.wav,one,"Low, slow."\n')
    (row,) = stream_csv(tmp_path / "a.csv", "c", COLUMNS, NEEDED)
    assert row == {"clip": "one", "text": "Low, slow.", "pitch": ""}


def test_a_missing_column_is_named_with_the_table(tmp_path):
    (tmp_path / "a.csv").write_text("item_name,pitch\none,low\n")
    with pytest.raises(InputError, match=r"c: .*a\.csv has no column style_prompt or prompt, only"):
        list(stream_csv(tmp_path / "a.csv", "c", COLUMNS, NEEDED))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="no column item_name or path"):
        list(stream_csv(tmp_path / "empty.csv", "c", COLUMNS, NEEDED))


def test_a_broken_byte_spoils_its_cell_alone(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"path,prompt\none,caf\xe9\ntwo,fine\n")
    texts = [row["text"] for row in stream_csv(tmp_path / "a.csv", "c", COLUMNS, NEEDED)]
    assert texts == ["caf\ufffd", "fine"]


def test_a_cell_without_an_end_is_one_sentence(tmp_path):
    (tmp_path / "a.csv").write_text('path,prompt\none,"' + "x" * 200_000)
    with pytest.raises(InputError, match=r"cannot read .*a\.csv: field larger than"):
        list(stream_csv(tmp_path / "a.csv", "c", COLUMNS, NEEDED))


def test_parquet_rows_have_all_columns(tmp_path):
    pq.write_table(
        pa.table({"path": ["one", None], "prompt": [["a", "b"], None], "big": [b"0" * 99] * 2}),
        tmp_path / "a.parquet",
    )
    assert list(stream_parquet(tmp_path / "a.parquet", "c", COLUMNS, NEEDED)) == [
        {"clip": "one", "text": ["a", "b"], "pitch": None},
        {"clip": None, "text": None, "pitch": None},
    ]
    (tmp_path / "b.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"cannot read .*b\.parquet"):
        list(stream_parquet(tmp_path / "b.parquet", "c", COLUMNS, NEEDED))


def test_a_long_parquet_file_is_never_in_memory_as_a_whole(tmp_path):
    rows = 100_000
    table = pa.table({"path": [f"{k:09}" for k in range(rows)], "prompt": ["words " * 20] * rows})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1000)
    tracemalloc.start()
    count = sum(1 for _ in stream_parquet(tmp_path / "a.parquet", "c", COLUMNS, NEEDED))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == rows
    assert peak < 8_000_000  # all rows as Python strings are 26 MB


def test_without_pyarrow_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install 'mmtts\[cluster\]'"):
        list(stream_parquet(tmp_path / "a.parquet", "c", COLUMNS, NEEDED))


def test_lines_of_json_that_are_no_object_are_passed_over(tmp_path):
    lines = ["[1]", "{broken", json.dumps({"path": "one", "prompt": ["a"]}), "", '{"pitch": 3}']
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n" + "[" * 100_000)
    assert list(stream_json_lines(tmp_path / "a.jsonl", "c", COLUMNS, NEEDED)) == [
        {"clip": "one", "text": ["a"], "pitch": None},
        {"clip": None, "text": None, "pitch": 3},
    ]
    (tmp_path / "b.jsonl").write_text('{"pitch": 3}\n')
    with pytest.raises(InputError, match="no column item_name or path"):
        list(stream_json_lines(tmp_path / "b.jsonl", "c", COLUMNS, NEEDED))


def test_texts_are_distinct_and_never_empty():
    assert texts_of([" a  b", "", None, "a b", 3, "c"]) == ["a b", "c"]
    assert texts_of(" one \n") == ["one"]
    assert texts_of(None) == []


def test_tables_are_looked_for_where_they_may_lie(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "b.csv").touch()
    (tmp_path / "a.tsv").touch()
    folders = [tmp_path / "data", tmp_path]
    assert [p.name for p in find_tables(folders, [".csv", ".tsv"], "c")] == ["a.tsv", "b.csv"]
    with pytest.raises(InputError, match=r"c: .*data holds no \*\.parquet"):
        find_tables(folders, [".parquet"], "c")
