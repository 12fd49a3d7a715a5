"""Write what was measured into the card of a system.

python recipes/starter/card.py models/starter outputs/starter/native/results.csv [MORE.csv ...]

It replaces the section "Measured" of `MODEL_CARD.md`, or puts it before the license.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.storage.atomic import atomic_write

# Beginnings of measures that say again what another one says.
LEFT_OUT = ("DNSMOS signal", "DNSMOS background", "DNSMOS p808", "plain cosine", "equal error")
SECTION, NEXT = "## Measured\n", "## License\n"
INTRODUCTION = """
On people and prompts that took no part in training, by judges that took none, with 95 % intervals.
pocketsphinx is a strict judge of words, so compare with what it makes of recordings.
"""


def read_rows(tables: Sequence[Path]) -> Iterator[dict[str, str]]:
    """Yield what the tables of `mmtts.evaluate` say, but for styles judged by themselves.

    Raises:
        InputError: One cannot be read.
    """
    for path in tables:
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, ValueError, csv.Error) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        for row in rows:
            if row["judge"] != "z" and not row["measure"].startswith(LEFT_OUT):
                yield row


def write_measured(card: str, rows: Iterator[dict[str, str]]) -> str:
    """Put a table into a card.

    Raises:
        InputError: The card has no section for the license.
    """
    if NEXT not in card:
        raise InputError("the card has no section on its license; bundle the system again")
    lines = ["| measure | of | value | items | judge |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        spread = ""
        if row["low"] and row["low"] != row["high"]:
            spread = f" [{float(row['low']):.3f}, {float(row['high']):.3f}]"
        cells = (row["measure"], row["condition"], f"{float(row['value']):.3f}{spread}")
        lines.append(f"| {' | '.join(cells)} | {row['n']} | {row['judge']} |")
    before, _, after = card.partition(NEXT)
    before = before.partition(SECTION)[0]
    table = "\n".join(lines)
    return f"{before}{SECTION}{INTRODUCTION}\n{table}\n\n{NEXT}{after}"


@one_sentence
def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system", type=Path)
    parser.add_argument("tables", type=Path, nargs="+")
    options = parser.parse_args()
    path = options.system / "MODEL_CARD.md"
    if not path.is_file():
        raise InputError(f"{path} is missing; bundle the system first")
    card = write_measured(path.read_text("utf-8"), read_rows(options.tables))
    with atomic_write(path) as temporary:
        temporary.write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
