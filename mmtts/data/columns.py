"""Columns of strings, each string kept once: tables of millions of rows that stay small."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

import numpy as np


@dataclass(frozen=True, eq=False)
class Strings(Sequence[str]):
    """A column: its distinct strings, and which of them each row has.

    Attributes:
        values: Strings without repetition; some may be in no row.
        codes: int32 (n,), places in `values`.
    """

    values: list[str]
    codes: np.ndarray

    @classmethod
    def of(cls, cells: Iterable[str]) -> Strings:
        """Make a column of one string after the other."""
        places: dict[str, int] = {}
        codes = array("i", (places.setdefault(cell, len(places)) for cell in cells))
        return cls(list(places), np.array(codes, np.int32))

    @classmethod
    def joined(cls, parts: Sequence[Strings]) -> Strings:
        """Put columns one below the other."""
        places: dict[str, int] = {}
        codes = [np.zeros(0, np.int32)]
        for part in parts:
            place = [places.setdefault(value, len(places)) for value in part.values]
            codes.append(np.array(place, np.int32)[part.codes])
        return cls(list(places), np.concatenate(codes))

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.codes)

    @overload
    def __getitem__(self, row: int) -> str: ...

    @overload
    def __getitem__(self, row: slice) -> Strings: ...

    def __getitem__(self, row: int | slice) -> str | Strings:
        """The string of a row, or the column of some rows."""
        return self.take(row) if isinstance(row, slice) else self.values[self.codes[row]]

    def __iter__(self) -> Iterator[str]:
        return map(self.values.__getitem__, self.codes.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def take(self, rows: np.ndarray | Sequence[int] | slice) -> Strings:
        """The column of these rows, in this order; the distinct strings are shared."""
        return Strings(self.values, self.codes[rows])

    def used(self) -> np.ndarray:
        """Ascending places in `values` of the strings that are in a row."""
        present = np.zeros(len(self.values), bool)
        present[self.codes] = True
        return np.flatnonzero(present)

    def distinct(self) -> list[str]:
        """The strings that are in a row, each once, sorted."""
        return sorted(self.values[k] for k in self.used().tolist())

    def numbers(self) -> np.ndarray:
        """Place of each row's string in `distinct`, int64 (n,)."""
        rank = {value: k for k, value in enumerate(self.distinct())}
        return self.each(rank.__getitem__, np.int64)

    def each(self, function: Callable[[str], Any], dtype: Any) -> np.ndarray:
        """What a function says of every row's string, (n, ...); equal ones are asked for once."""
        used = self.used()
        found = np.array([function(self.values[k]) for k in used.tolist()], dtype)
        place = np.zeros(len(self.values), np.int32)
        place[used] = np.arange(len(used))
        return found[place[self.codes]]

    def first_rows(self) -> np.ndarray:
        """Rows in which a string comes for the first time, ascending."""
        return np.sort(np.unique(self.codes, return_index=True)[1])

    def last_rows(self) -> np.ndarray:
        """Rows in which each string comes last, in the order in which the strings first come."""
        last = np.zeros(len(self.values), np.int64)
        last[self.codes] = np.arange(len(self.codes))  # of repeated places the last one counts
        return last[self.codes[self.first_rows()]]


Row = TypeVar("Row", bound=tuple)


class Rows(Sequence[Row], Generic[Row]):
    """Rows of a table, kept as columns; a row is made when somebody asks for it.

    Args:
        kind: NamedTuple of strings, which a row is.
        columns: One for each of its fields, equally long.
    """

    def __init__(self, kind: type[Row], columns: Iterable[Strings]) -> None:
        self.kind: Any = kind
        fields = kind._fields  # type: ignore[attr-defined]
        self.columns = dict(zip(fields, columns, strict=True))

    @classmethod
    def of(cls, kind: type[Row], rows: Iterable[Row]) -> Rows[Row]:
        """Keep rows as columns."""
        kept, fields = list(rows), kind._fields  # type: ignore[attr-defined]
        return cls(kind, [Strings.of(row[k] for row in kept) for k in range(len(fields))])

    @classmethod
    def joined(cls, parts: Sequence[Rows[Row]]) -> Rows[Row]:
        """Put tables of one kind one below the other."""
        kind = parts[0].kind
        fields = kind._fields
        return cls(
            kind, [Strings.joined([part.columns[name] for part in parts]) for name in fields]
        )

    def __len__(self) -> int:
        """Count the rows."""
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, row: int) -> Row: ...

    @overload
    def __getitem__(self, row: slice) -> Rows[Row]: ...

    def __getitem__(self, row: int | slice) -> Row | Rows[Row]:
        """A row, or the table of some rows."""
        if isinstance(row, slice):
            return self.take(row)
        return self.kind(*(column[row] for column in self.columns.values()))

    def __iter__(self) -> Iterator[Row]:
        return map(self.kind._make, zip(*self.columns.values(), strict=True))

    def column(self, name: str) -> Strings:
        """The column of a field."""
        return self.columns[name]

    def take(self, rows: np.ndarray | Sequence[int] | slice) -> Rows[Row]:
        """The table of these rows, in this order."""
        return Rows(self.kind, [column.take(rows) for column in self.columns.values()])


def evenly(count: int, most: int | None) -> np.ndarray:
    """Every row, or every second, third, ... one, so that there are at most `most`: int64 (m,)."""
    return np.arange(0, count, max(1, -(-count // most)) if most else 1)
