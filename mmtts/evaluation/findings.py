"""Findings: every measured number with its interval, its judge and what chance would give."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmtts.metrics.bootstrap import Interval
from mmtts.storage.atomic import atomic_write

REAL = "real speech"


class Row(NamedTuple):
    """One measured number.

    Attributes:
        system: Which checkpoint, or `REAL` for what does not depend on one.
        question: Short name of the question.
        measure: What was measured, with its unit.
        condition: On what: synthesis, a control, a reference.
        found: The number and its 95 % interval.
        judge: Who measured it.
        chance: What guessing gives; NaN where that has no meaning.
    """

    system: str
    question: str
    measure: str
    condition: str
    found: Interval
    judge: str
    chance: float


class Findings:
    """Collects the rows and the curves of one evaluation.

    Attributes:
        rows: In the order in which they were measured; a row of real speech is kept once.
        curves: label -> (false acceptances, true acceptances).
        histograms: title -> label -> values.
        notes: question -> sentences about what was not measured.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.histograms: dict[str, dict[str, Sequence[float]]] = {}
        self.notes: dict[str, list[str]] = {}

    def add(
        self,
        system: str,
        question: str,
        measure: str,
        condition: str,
        found: Interval,
        judge: str = "",
        chance: float = math.nan,
    ) -> None:
        """Keep one number; what was measured on nothing is left out."""
        row = Row(system, question, measure, condition, found, judge, chance)
        known = any(row[:4] == other[:4] and judge == other.judge for other in self.rows)
        measured = found.n > 0 and math.isfinite(found.value)
        if measured and not (known and system == REAL):
            self.rows.append(row)

    def note(self, question: str, sentence: str) -> None:
        """Keep a sentence for the reader of a question's table, once."""
        if sentence not in self.notes.setdefault(question, []):
            self.notes[question].append(sentence)


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write one line per number, full precision."""
    columns = ("system", "question", "measure", "condition")
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*columns, "value", "low", "high", "n", "judge", "chance"))
        for row in rows:
            chance = "" if math.isnan(row.chance) else row.chance
            writer.writerow((*row[:4], *row.found, row.judge, chance))


def write_markdown(findings: Findings, header: Mapping[str, str], path: Path) -> None:
    """Write one table per question, the systems side by side, under a header of facts."""
    rows, notes = findings.rows, findings.notes
    lines = ["# Evaluation", ""]
    lines += [f"- {name}: {value}" for name, value in header.items()]
    for question in dict.fromkeys([*(row.question for row in rows), *notes]):
        lines += ["", f"## {question}", ""]
        for sentence in notes.get(question, ()):
            lines += [sentence, ""]
        lines += _table([row for row in rows if row.question == question])
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _table(rows: Sequence[Row]) -> list[str]:
    """One line per measure, condition and judge."""
    systems = list(dict.fromkeys(row.system for row in rows))
    if not rows:
        return []
    cells = {(row.measure, row.condition, row.judge, row.system): row for row in rows}
    head = ["measure", "condition", *systems, "chance", "judge", "n"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for line in dict.fromkeys((row.measure, row.condition, row.judge) for row in rows):
        found = {s: cells[key] for s in systems if (key := (*line, s)) in cells}
        first = next(iter(found.values()))
        numbers = [_number(found[s].found) if s in found else "" for s in systems]
        chance = "" if math.isnan(first.chance) else f"{first.chance:.3g}"
        counts = "/".join(dict.fromkeys(str(row.found.n) for row in found.values()))
        cells_of_line = [*line[:2], *numbers, chance, first.judge, counts]
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells_of_line) + " |")
    return lines


def _number(found: Interval) -> str:
    if math.isnan(found.low) or found.low == found.high == found.value:
        return f"{found.value:.3f}"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
