"""Rows with intervals: a markdown table to see, and the same with all digits to compute with."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mmtts.metrics.bootstrap import Interval


class Row(NamedTuple):
    """One line of a table: words, numbers with their intervals (None: not measured), and counts."""

    words: tuple[str, ...]
    numbers: tuple[Interval | None, ...]
    counts: tuple[int, ...]


def read_options(about: str | None) -> argparse.Namespace:
    """What both tables over runs are asked for: `runs`, `draws`, `out`."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of sweeps, one each per row")
    parser.add_argument("--draws", type=int, default=300, help="of the bootstrap")
    parser.add_argument("--out", type=Path, help="also write OUT.md, and OUT.csv with all digits")
    return parser.parse_args()


def write_tables(columns: Sequence[str], rows: Sequence[Row], out: Path | None) -> None:
    """Print rows under the names of their columns, and write them where they are wanted."""
    table = as_markdown(columns, rows)
    print(table, end="")
    if out is not None:
        out.with_name(f"{out.name}.md").write_text(table, encoding="utf-8")
        out.with_name(f"{out.name}.csv").write_text(as_csv(columns, rows), encoding="utf-8")


def as_markdown(columns: Sequence[str], rows: Sequence[Row]) -> str:
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for row in rows:
        numbers = [
            f"{x.value:.3f} [{x.low:.3f}, {x.high:.3f}]" if x is not None and x.n else ""
            for x in row.numbers
        ]
        lines.append(f"| {' | '.join([*row.words, *numbers, *map(str, row.counts)])} |")
    return "\n".join(lines) + "\n"


def as_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Comma-separated values, where a number has three columns."""
    words, numbers = (len(rows[0].words), len(rows[0].numbers)) if rows else (0, 0)
    heads = [
        f"{c}{part}" for c in columns[words : words + numbers] for part in ("", " low", " high")
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns[:words], *heads, *columns[words + numbers :]])
    for row in rows:
        cells = [
            cell
            for x in row.numbers
            for cell in (("", "", "") if x is None or not x.n else (x.value, x.low, x.high))
        ]
        writer.writerow([*row.words, *cells, *row.counts])
    return text.getvalue()
