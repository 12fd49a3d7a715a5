"""The report: every raw time as JSON, and tables of percentiles for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mmtts.benchmarking.rounds import Cold, Measurements, Warm
from mmtts.benchmarking.texts import KINDS
from mmtts.storage.atomic import atomic_write

T = TypeVar("T")
REFERENCE = "matcha"  # whose speed is 1

COLD = (
    "A fresh process imports, loads and speaks: seconds since its start, p50 / p95. Its files were "
    "read once before."
)
WARM = (
    "Later calls in one process, p50 / p95. The real-time factor is the time of the whole over the "
    f"seconds of speech; speed is the real-time factor of {REFERENCE} over that of the row (p50)."
)
PERCENTILES = "percentiles are interpolated linearly between the measured times"


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """The 50th and the 95th percentile, linear between the values."""
    middle, high = np.percentile(list(values), (50, 95))
    return {"p50": float(middle), "p95": float(high)}


def summarize_cold(cold: Sequence[Cold]) -> list[dict[str, Any]]:
    """One row per contestant and thread count."""
    rows = []
    for (name, steps, threads), starts in _grouped(
        cold, lambda c: (c.contestant, c.steps, c.threads)
    ).items():
        row = {"contestant": name, "steps": steps, "threads": threads, "n": len(starts)}
        parts = ("imported", "loaded", "first", "whole")
        rows.append(row | {p: percentiles(getattr(s, p) for s in starts) for p in parts})
    return rows


def summarize_warm(warm: Sequence[Warm]) -> list[dict[str, Any]]:
    """One row per thread count, text, contestant and steps; `speed` is None without matcha."""
    rows: list[dict[str, Any]] = []
    for (threads, text, name, steps), calls in _grouped(
        warm, lambda w: (w.threads, w.text, w.contestant, w.steps)
    ).items():
        row = {"contestant": name, "steps": steps, "threads": threads, "text": text}
        row |= {"n": len(calls), "speech": float(np.median([call.speech for call in calls]))}
        row["first"] = percentiles(call.first for call in calls)
        row["whole"] = percentiles(call.whole for call in calls)
        row["real_time_factor"] = percentiles(call.whole / call.speech for call in calls)
        rows.append(row)
    reference = {
        (row["threads"], row["text"]): row["real_time_factor"]["p50"]
        for row in rows
        if row["contestant"] == REFERENCE
    }
    for row in rows:
        slow = reference.get((row["threads"], row["text"]))
        row["speed"] = slow and slow / row["real_time_factor"]["p50"]
    return rows


def _grouped(items: Iterable[T], key: Callable[[T], tuple[Any, ...]]) -> dict[Any, list[T]]:
    groups: dict[Any, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def write_report(
    found: Measurements, facts: Mapping[str, Any], notes: Sequence[str], out: Path
) -> None:
    """Write results.json and results.md.

    Args:
        found: What was measured.
        facts: About the machine and the settings.
        notes: Sentences for the reader.
        out: The folder.

    Raises:
        InputError: It cannot be written.
    """
    tables = {"cold": summarize_cold(found.cold), "warm": summarize_warm(found.warm)}
    raw = {
        name: [row._asdict() for row in getattr(found, name)] for name in ("cold", "warm", "memory")
    }
    everything = {"facts": dict(facts), "notes": list(notes), "tables": tables, "raw": raw}
    with atomic_write(out / "results.json") as temporary:
        temporary.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    with atomic_write(out / "results.md") as temporary:
        temporary.write_text(_markdown(tables, found, facts, notes), encoding="utf-8")


def _markdown(
    tables: Mapping[str, Sequence[Mapping[str, Any]]],
    found: Measurements,
    facts: Mapping[str, Any],
    notes: Sequence[str],
) -> str:
    lines = ["# Benchmark", "", *(f"- {name}: {value}" for name, value in facts.items())]
    lines += [f"- {sentence}" for sentence in (*notes, PERCENTILES)]
    lines += ["", "## Cold start", "", COLD, "", *_cold_table(tables["cold"])]
    for threads in dict.fromkeys(row["threads"] for row in tables["warm"]):
        rows = [row for row in tables["warm"] if row["threads"] == threads]
        lines += ["", f"## Warm, {_count(threads)}", "", WARM, "", *_warm_table(rows)]
    cells = [(m.contestant, m.threads, f"{m.peak:.0f}") for m in found.memory]
    lines += ["", "## Peak memory of the process", ""]
    lines += _table(("system", "threads", "MiB"), cells)
    return "\n".join(lines) + "\n"


def _cold_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    parts = ("imported", "loaded", "first", "whole")
    cells = [
        (
            row["contestant"],
            row["steps"] or "",
            row["threads"],
            *(_both(row[part], 1, 2) for part in parts),
            row["n"],
        )
        for row in rows
    ]
    head = ("system", "steps", "threads", "imported", "loaded", "first audio", "whole", "n")
    return _table(head, cells)


def _warm_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [
        (
            KINDS[row["text"]],
            row["contestant"],
            row["steps"] or "",
            f"{row['speech']:.1f}",
            _both(row["first"], 1000, 0),
            _both(row["whole"], 1000, 0),
            _both(row["real_time_factor"], 1, 3),
            "" if row["speed"] is None else f"{row['speed']:.1f}",
            row["n"],
        )
        for row in rows
    ]
    head = ("text", "system", "steps", "speech, s", "first audio, ms", "whole, ms")
    return _table((*head, "real-time factor", "speed", "n"), cells)


def _both(found: Mapping[str, float], scale: float, digits: int) -> str:
    return f"{scale * found['p50']:.{digits}f} / {scale * found['p95']:.{digits}f}"


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + [
        "| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows
    ]
