#!/usr/bin/env python3
"""One row per run of a sweep: ``python scripts/sweep_table.py runs/stage2/mu [--csv]``.

Reads ``metrics.csv`` of every run below the folders, and prints a table of the best validation
loss, its step, and every other validation metric at that step.
"""

import argparse
import csv
import sys
from pathlib import Path


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path, help="sweep folders, or single runs")
    parser.add_argument(
        "--by", default="valid/loss", help="metric that decides (default: %(default)s)"
    )
    parser.add_argument("--largest", action="store_true", help="the largest value is the best")
    parser.add_argument("--csv", action="store_true", help="comma-separated instead of markdown")
    arguments = parser.parse_args()
    rows = [
        best_row(path, arguments.by, arguments.largest)
        for folder in arguments.folders
        for path in sorted(folder.glob("**/metrics.csv"))
    ]
    rows = [row for row in rows if row is not None]
    if not rows:
        sys.exit(
            f"error: no run below {' '.join(map(str, arguments.folders))} logged {arguments.by}"
        )
    rows.sort(key=lambda row: float(row[arguments.by]), reverse=arguments.largest)
    columns = list(
        dict.fromkeys(["run", "step", arguments.by, *(key for row in rows for key in row)])
    )
    if arguments.csv:
        writer = csv.DictWriter(sys.stdout, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    else:
        print_markdown(columns, rows)


def best_row(path: Path, by: str, largest: bool) -> dict[str, str] | None:
    """The validation metrics of a run at its best step; None when it never validated."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get(by)]
    if not rows:
        return None
    best = (max if largest else min)(rows, key=lambda row: float(row[by]))
    metrics = {key: value for key, value in best.items() if key.startswith("valid/") and value}
    return {"run": path.parent.name, "step": best["step"], **metrics}


def print_markdown(columns: list[str], rows: list[dict[str, str]]) -> None:
    """Print rows as a markdown table."""
    print(f"| {' | '.join(columns)} |")
    print(f"|{' --- |' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row.get(column, '') for column in columns)} |")


if __name__ == "__main__":
    main()
