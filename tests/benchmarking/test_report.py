"""From raw times to tables, with percentiles worked out by hand."""

import json
from pathlib import Path

import pytest

from mmtts.benchmarking.report import (
    percentiles,
    summarize_cold,
    summarize_warm,
    write_report,
)
from mmtts.benchmarking.rounds import Cold, Measurements, Memory, Warm


def test_percentiles_lie_linearly_between_the_values() -> None:
    assert percentiles([3.0]) == {"p50": 3.0, "p95": 3.0}
    assert percentiles([4.0, 1.0, 3.0, 2.0]) == pytest.approx({"p50": 2.5, "p95": 3.85})
    # Of 21 sorted values, the 95th percentile is the 20th.
    assert percentiles(range(21)) == {"p50": 10.0, "p95": 19.0}


def warm(name: str, whole: float, speech: float, steps: int = 4, threads: int = 1) -> Warm:
    return Warm(name, steps, threads, "short", 0, whole / 2, whole, speech)


def test_a_row_is_made_of_the_calls_that_differ_in_nothing_but_the_round() -> None:
    rows = summarize_warm([warm("a", 1, 2), warm("a", 2, 5), warm("a", 7, 2, 2), warm("b", 9, 3)])
    assert [(r["contestant"], r["steps"], r["n"]) for r in rows] == [
        ("a", 4, 2), ("a", 2, 1), ("b", 4, 1),
    ]  # fmt: skip
    first = rows[0]
    assert first["whole"] == pytest.approx({"p50": 1.5, "p95": 1.95})
    assert first["first"] == pytest.approx({"p50": 0.75, "p95": 0.975})
    assert first["real_time_factor"]["p50"] == pytest.approx(0.45)  # between 1/2 and 2/5
    assert first["speech"] == 3.5
    assert all(row["speed"] is None for row in rows)  # nothing to compare with


def test_the_speed_is_told_against_matcha_with_as_many_threads() -> None:
    rows = summarize_warm([warm("a", 1, 10), warm("matcha", 4, 8, 10), warm("a", 1, 10, threads=2)])
    assert [row["speed"] for row in rows] == [pytest.approx(5.0), pytest.approx(1.0), None]


def test_cold_starts_of_one_thread_count_are_one_row() -> None:
    starts = [Cold("a", 4, 1, r, 1.0 + r, 2.0 + r, 3.0 + r, 4.0 + r) for r in range(3)]
    rows = summarize_cold([*starts, Cold("a", 4, 2, 0, 1.0, 1.0, 1.0, 1.0)])
    assert [(row["threads"], row["n"]) for row in rows] == [(1, 3), (2, 1)]
    assert rows[0]["imported"] == pytest.approx({"p50": 2.0, "p95": 2.9})
    assert rows[0]["whole"] == pytest.approx({"p50": 5.0, "p95": 5.9})


def test_the_report_holds_every_raw_time_and_a_line_for_each_row(tmp_path: Path) -> None:
    found = Measurements(
        [Cold("a|b", 0, 1, 0, 0.5, 1.25, 2.0, 3.0)],
        [warm("a|b", 0.5, 2.0, 0), warm("matcha", 1.0, 1.0, 10)],
        [Memory("a|b", 1, 123.4)],
    )
    write_report(found, {"processor": "some"}, ["piper was left out"], tmp_path / "new")
    stored = json.loads((tmp_path / "new" / "results.json").read_text())
    assert stored["raw"]["warm"][0] == found.warm[0]._asdict()
    assert stored["raw"]["cold"][0]["loaded"] == 1.25
    assert stored["raw"]["memory"] == [{"contestant": "a|b", "threads": 1, "peak": 123.4}]
    assert stored["notes"] == ["piper was left out"]
    assert stored["tables"]["warm"][0]["speed"] == 4.0
    text = (tmp_path / "new" / "results.md").read_text()
    for line in (
        "- processor: some",
        "- piper was left out",
        "| a\\|b |  | 1 | 0.50 / 0.50 | 1.25 / 1.25 | 2.00 / 2.00 | 3.00 / 3.00 | 1 |",
        "## Warm, 1 thread",
        "| a short sentence, about 2 s | a\\|b |  | 2.0 | 250 / 250 | 500 / 500 | 0.250 / 0.250 | "
        "4.0 | 1 |",
        "| a\\|b | 1 | 123 |",
    ):
        assert line in text.splitlines(), text
