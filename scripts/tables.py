"""Rows with intervals as a markdown table, or as comma-separated values with full precision."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from typing import NamedTuple

from mmtts.metrics.bootstrap import Interval


class Row(NamedTuple):
    """One line of a table: words, numbers with their intervals (None: not measured), and counts."""

    words: tuple[str, ...]
    numbers: tuple[Interval | None, ...]
    counts: tuple[int, ...]


def print_table(columns: Sequence[str], rows: Sequence[Row], as_csv: bool) -> None:
    """Print rows under the names of their columns; in csv a number has three of them."""
    (print_csv if as_csv else print_markdown)(columns, rows)


def print_markdown(columns: Sequence[str], rows: Sequence[Row]) -> None:
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        numbers = [
            f"{x.value:.3f} [{x.low:.3f}, {x.high:.3f}]" if x is not None and x.n else ""
            for x in row.numbers
        ]
        print(f"| {' | '.join([*row.words, *numbers, *map(str, row.counts)])} |")


def print_csv(columns: Sequence[str], rows: Sequence[Row]) -> None:
    if not rows:
        return
    words, numbers = len(rows[0].words), len(rows[0].numbers)
    heads = [
        f"{c}{part}" for c in columns[words : words + numbers] for part in ("", " low", " high")
    ]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns[:words], *heads, *columns[words + numbers :]])
    for row in rows:
        cells = [
            cell
            for x in row.numbers
            for cell in (("", "", "") if x is None or not x.n else (x.value, x.low, x.high))
        ]
        writer.writerow([*row.words, *cells, *row.counts])
