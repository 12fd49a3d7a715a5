import csv
import math

import numpy as np

from mmtts.evaluation.figures import draw_figures
from mmtts.evaluation.findings import REAL, Findings, write_csv, write_markdown
from mmtts.metrics.bootstrap import NOTHING, Interval


def some_findings() -> Findings:
    findings = Findings()
    good, bad = Interval(0.8, 0.7, 0.9, 20), Interval(0.5, 0.4, 0.6, 20)
    findings.add("a", "face", "AUC", "style z", good, "cosine", 0.5)
    findings.add("b", "face", "AUC", "style z", bad, "cosine", 0.5)
    findings.add(REAL, "quality", "score | of 5", "recording", Interval(4.0, 4.0, 4.0, 1), "rater")
    findings.curves["a: face"] = (np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    findings.histograms["Pitch in Hz: a/b"] = {"female": [200.0, math.nan], "male": []}
    return findings


def test_what_was_measured_on_nothing_is_left_out():
    findings = Findings()
    findings.add("a", "face", "AUC", "z", NOTHING)
    assert findings.rows == []


def test_real_speech_is_reported_once():
    findings = some_findings()
    findings.add(REAL, "quality", "score | of 5", "recording", Interval(4.0, 4.0, 4.0, 1), "rater")
    assert len(findings.rows) == 3


def test_systems_stand_side_by_side(tmp_path):
    write_markdown(some_findings(), {"seed": "0"}, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "- seed: 0" in text
    assert "| measure | condition | a | b | chance | judge | n |" in text
    line = "| AUC | style z | 0.800 [0.700, 0.900] | 0.500 [0.400, 0.600] | 0.5 | cosine | 20 |"
    assert line in text
    assert "score \\| of 5 | recording | 4.000 |" in text


def test_two_judges_of_one_measure_stand_in_two_lines(tmp_path):
    findings = Findings()
    for judge, value in (("one", 0.8), ("two", 0.6), ("one", 0.8)):
        found = Interval(value, value, value, 5)
        findings.add(REAL, "face", "AUC", "speech", found, judge, 0.5)
        if len(findings.rows) < 4:
            findings.add("a", "face", "AUC", "speech", found, judge, 0.5)
    write_markdown(findings, {}, tmp_path / "results.md")
    lines = (tmp_path / "results.md").read_text(encoding="utf-8").splitlines()
    assert "| AUC | speech | 0.800 | 0.800 | 0.5 | one | 5 |" in lines
    assert "| AUC | speech | 0.600 | 0.600 | 0.5 | two | 5 |" in lines
    assert sum("AUC" in line for line in lines) == 2


def test_what_could_not_be_judged_is_said_above_the_table(tmp_path):
    findings = some_findings()
    for question in ("face", "face", "stability"):
        findings.note(question, "a: not judged: nobody may")
    write_markdown(findings, {}, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "## face\n\na: not judged: nobody may\n\n| measure" in text
    assert "## stability\n\na: not judged: nobody may\n" in text
    assert text.count("nobody may") == 2


def test_the_csv_keeps_every_digit(tmp_path):
    write_csv(some_findings().rows, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["system"] for row in rows] == ["a", "b", REAL]
    assert float(rows[0]["low"]) == 0.7
    assert rows[2]["chance"] == ""


def test_figures_are_pictures_with_plain_names(tmp_path):
    paths = draw_figures(some_findings(), tmp_path)
    names = {path.name for path in paths}
    assert names == {"roc.png", "pitch_in_hz_a_b.png", "face.png", "quality.png"}
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in paths)
