"""Columns of strings say what a list of them would."""

from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.data.columns import Rows, Strings, evenly

CELLS = st.lists(st.sampled_from(["a", "b", "c", "", "ä"]), max_size=12)


@settings(deadline=None)
@given(cells=CELLS, more=CELLS)
def test_a_column_is_its_list(cells: list[str], more: list[str]) -> None:
    column = Strings.of(cells)
    assert column == cells and [column[k] for k in range(len(cells))] == cells
    assert column[1:3] == cells[1:3]
    assert column.distinct() == sorted(set(cells))
    assert [column.distinct()[k] for k in column.numbers()] == cells
    assert Strings.joined([column, Strings.of(more)]) == cells + more
    assert column.each(len, np.int64).tolist() == [len(cell) for cell in cells]
    last = {cell: k for k, cell in enumerate(cells)}
    assert column.last_rows().tolist() == list(last.values())
    assert column.first_rows().tolist() == sorted(cells.index(cell) for cell in set(cells))
    assert column.codes.dtype == np.int32 and len(column.values) == len(set(cells))


def test_strings_that_were_left_out_are_nobodys() -> None:
    column = Strings.of(["x", "y", "x", "z"]).take([0, 3, 0])
    assert column == ["x", "z", "x"] and column.distinct() == ["x", "z"]
    assert column.each({"x": 1, "z": 2}.__getitem__, np.int8).tolist() == [1, 2, 1]


class Pair(NamedTuple):
    left: str
    right: str


def test_rows_are_named_tuples_of_columns() -> None:
    pairs = [Pair("a", "1"), Pair("b", "1"), Pair("a", "2")]
    table = Rows.of(Pair, pairs)
    assert list(table) == pairs and table[1] == pairs[1] and list(table[1:]) == pairs[1:]
    assert list(table.take(np.array([True, False, True]))) == [pairs[0], pairs[2]]
    assert list(Rows.joined([table, table])) == pairs * 2 and len(table) == 3
    assert table.column("right") == ["1", "1", "2"]


@given(count=st.integers(0, 50), most=st.integers(1, 60))
def test_evenly_takes_no_more_than_asked(count: int, most: int) -> None:
    rows = evenly(count, most)
    assert len(rows) <= most and (len(rows) > 0) == (count > 0)
    assert len(set(np.diff(rows))) <= 1
    if count <= most:
        assert rows.tolist() == evenly(count, None).tolist() == list(range(count))
