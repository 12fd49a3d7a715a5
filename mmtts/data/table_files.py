"""Tables of strings on the disk: csv for people, Parquet for a million rows."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.columns import Strings

ENDINGS = (".csv", ".parquet")
MOST_ROWS = 2**28  # a file that promises more is broken, or meant to fill the memory
ROW_GROUP = 2**17
_WITHOUT = "pip install 'mmtts[cluster]', or use csv"


def table_path(folder: Path, name: str) -> Path:
    """Where a table of a folder is: its csv or its Parquet file; the former where there is none.

    Args:
        folder: Prepared data folder.
        name: Such as "faces" or "pairs/face_speech_train".

    Raises:
        InputError: There are both, so that nobody knows which counts.
    """
    paths = [folder / f"{name}{ending}" for ending in ENDINGS]
    found = [path for path in paths if path.exists()]
    if len(found) > 1:
        raise InputError(f"{folder} has both {name}.csv and {name}.parquet; remove one of them")
    return found[0] if found else paths[0]


def read_columns(
    path: Path, columns: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, Strings]:
    """Read some columns of a table, and the optional ones: empty cells where they are absent.

    Args:
        path: A csv file, or a Parquet file if its name ends so.
        columns: Names; others are ignored.
        optional: Names.

    Raises:
        InputError: The file or a column is missing, a row is too short, a column is no text.
    """
    parquet = path.suffix == ".parquet"
    found = (_read_parquet if parquet else _read_csv)(path, columns, optional)
    rows = len(found[columns[0]])
    empty = Strings([""], np.zeros(rows, np.int32))
    return found | {name: empty for name in optional if name not in found}


def row_name(path: Path, row: int) -> str:
    """How to call a row of a table, counted from 0, in a message."""
    return f"{path}, row {row + 1}" if path.suffix == ".parquet" else f"{path}, line {row + 2}"


def _present(
    path: Path, header: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> list[str]:
    """The wanted columns that a header has."""
    absent = [name for name in columns if name not in header]
    if absent:
        raise InputError(f"{path} has no column {absent[0]!r}, only {', '.join(header)}")
    return [*columns, *(name for name in optional if name in header)]


def _read_csv(path: Path, columns: Sequence[str], optional: Sequence[str]) -> dict[str, Strings]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            names = _present(path, header, columns, optional)
            places: list[dict[str, int]] = [{} for _ in names]
            codes = [array("i") for _ in names]
            cells = list(zip([header.index(name) for name in names], places, codes, strict=True))
            for number, row in enumerate(reader):
                if len(row) < len(header):
                    raise InputError(
                        f"{row_name(path, number)}: {len(row)} cells instead of {len(header)}"
                    )
                for k, place, code in cells:
                    code.append(place.setdefault(row[k], len(place)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; prepare the data folder again") from error
    return {
        name: Strings(list(place), np.array(code, np.int32))
        for name, place, code in zip(names, places, codes, strict=True)
    }


def _read_parquet(
    path: Path, columns: Sequence[str], optional: Sequence[str]
) -> dict[str, Strings]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow: {_WITHOUT}") from error
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise InputError(f"{path} has {file.metadata.num_rows} rows; split the data")
            schema = file.schema_arrow
            names = _present(path, schema.names, columns, optional)
            for name in names:
                _check_text(path, name, schema)
        with parquet.ParquetFile(path, memory_map=True, read_dictionary=names) as file:
            # One after the other, so that only one is there twice.
            return {name: _as_strings(file.read([name]).column(0)) for name in names}
    except InputError:
        raise
    except (OSError, ValueError, KeyError, NotImplementedError, MemoryError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read {path}: {reason}; prepare the data folder again") from error


def _check_text(path: Path, name: str, schema: Any) -> None:
    """Refuse a column that is given twice or holds something else than text."""
    import pyarrow as pa

    if schema.names.count(name) > 1:
        raise InputError(f"{path} has the column {name!r} twice")
    kind = schema.field(name).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    types = pa.types
    if not (types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)):
        raise InputError(f"{path} has {kind} in the column {name!r}; write it as text")


def _as_strings(column: Any) -> Strings:
    """Turn a column of Arrow into ours; null becomes an empty cell."""
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return Strings([""], np.zeros(len(column), np.int32))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    if not len(column):
        return Strings([], np.zeros(0, np.int32))
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    places: dict[str, int] = {}
    place = [places.setdefault(v or "", len(places)) for v in whole.dictionary.to_pylist()]
    codes = whole.indices
    if codes.null_count:
        place.append(places.setdefault("", len(places)))
        codes = codes.fill_null(len(place) - 1)
    return Strings(list(places), np.array(place, np.int32)[codes.to_numpy(zero_copy_only=False)])


def write_parquet(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a Parquet file of text with the cells of `rows`; None becomes null.

    Raises:
        InputError: pyarrow is missing.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow: {_WITHOUT}") from error
    schema = pa.schema([(name, pa.string()) for name in columns])
    remaining = iter(rows)
    with parquet.ParquetWriter(path, schema, compression="zstd") as file:
        while group := list(islice(remaining, ROW_GROUP)):
            cells = [
                pa.array([None if v is None else str(v) for v in column], pa.string())
                for column in zip(*group, strict=True)
            ]
            file.write_table(pa.Table.from_arrays(cells, schema=schema))
