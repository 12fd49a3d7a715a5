"""Rows of published tables one after the other, however long the tables are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmtts import InputError

# What a column is called here -> how releases spell it, the usual spelling first.
Columns = Mapping[str, Sequence[str]]
ROWS_AT_ONCE = 2048
LONGEST_LINE = 1_000_000  # characters of a line of JSON


def find_tables(folders: Sequence[Path], endings: Sequence[str], corpus: str) -> list[Path]:
    """Return the tables of the first folder that has any, sorted by name.

    Raises:
        InputError: None of the folders has any.
    """
    for folder in folders:
        found = sorted(p for end in endings for p in folder.glob(f"*{end}") if p.is_file())
        if found:
            return found
    wanted = " or ".join(f"*{end}" for end in endings)
    raise InputError(f"{corpus}: {folders[0]} holds no {wanted}; unpack the corpus there.")


def match_columns(
    names: Sequence[str], columns: Columns, needed: Sequence[str], path: Path, corpus: str
) -> dict[str, str]:
    """Return which column of a table is which.

    Args:
        names: The columns of the table.
        columns: Those wanted.
        needed: Those of `columns` without which the table is of no use.
        path: Of the table.
        corpus: Its corpus.

    Returns:
        Name of `columns` -> name in the table; without those that the table has not.

    Raises:
        InputError: One of `needed` is missing.
    """
    plain = {name.strip().lower(): name for name in reversed(names)}
    found = {
        column: plain[spelling]
        for column, spellings in columns.items()
        for spelling in reversed(spellings)
        if spelling in plain
    }
    for column in needed:
        if column not in found:
            wanted = " or ".join(columns[column])
            raise InputError(f"{corpus}: {path} has no column {wanted}, only {', '.join(names)}.")
    return found


def stream_csv(
    path: Path, corpus: str, columns: Columns, needed: Sequence[str]
) -> Iterator[dict[str, str]]:
    """Yield the rows of a table with a header, its cells parted by commas, bars or tabs.

    Yields:
        Name of `columns` -> cell without white space around it; "" where there is none.

    Raises:
        InputError: The file cannot be read, or lacks one of `needed`.
    """
    try:
        # A byte that is no UTF-8 spoils its cell, not the table.
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            header = file.readline(LONGEST_LINE)
            delimiter = max(",|\t", key=header.count)
            names = next(csv.reader([header], delimiter=delimiter), [])
            found = match_columns(names, columns, needed, path, corpus)
            places = {column: names.index(name) for column, name in found.items()}
            for row in csv.reader(file, delimiter=delimiter):
                yield {
                    column: row[places[column]].strip()
                    if places.get(column, len(row)) < len(row)
                    else ""
                    for column in columns
                }
    except (OSError, csv.Error) as error:
        raise InputError(f"{corpus}: cannot read {path}: {error}; unpack it again.") from error


def stream_parquet(
    path: Path, corpus: str, columns: Columns, needed: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file; only a few are in memory at a time.

    Yields:
        Name of `columns` -> value; None where there is none.

    Raises:
        InputError: The file cannot be read, or lacks one of `needed`; or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"{corpus}: tables in Parquet need pyarrow; pip install 'mmtts[cluster]'"
        ) from error
    try:
        with parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            names = file.schema_arrow.names
            found = match_columns(names, columns, needed, path, corpus)
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(found.values())):
                values = batch.to_pydict()
                for k in range(batch.num_rows):
                    yield dict.fromkeys(columns) | {c: values[n][k] for c, n in found.items()}
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{corpus}: cannot read {path}: {error}; get it again.") from error


def stream_json_lines(
    path: Path, corpus: str, columns: Columns, needed: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one JSON object a line, as `stream_parquet` does.

    Lines that are no object are passed over.

    Raises:
        InputError: The file cannot be read, or its first object lacks one of `needed`.
    """
    checked = False
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            while line := file.readline(LONGEST_LINE):
                row = _object(line)
                if row is None:
                    continue
                found = match_columns(list(row), columns, () if checked else needed, path, corpus)
                checked = True
                yield dict.fromkeys(columns) | {c: row[n] for c, n in found.items()}
    except OSError as error:
        raise InputError(f"{corpus}: cannot read {path}: {error}; get it again.") from error


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def texts_of(value: Any) -> list[str]:
    """Return the sentences of a cell that holds one, or a list of them; each once, never empty."""
    values = value if isinstance(value, list | tuple) else [value]
    lines = (" ".join(v.split()) for v in values if isinstance(v, str))
    return list(dict.fromkeys(line for line in lines if line))
