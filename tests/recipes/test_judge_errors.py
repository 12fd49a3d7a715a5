"""The judge's recipe compares judges on the same trials."""

import sys
from pathlib import Path

import numpy as np
import pytest
from recipe_modules import ROOT, load
from small_judge import save_judge

CAMPPLUS = ROOT / "tests" / "networks" / "small_campplus"


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_judge_has_a_column() -> None:
    rng = np.random.default_rng(0)
    speakers = [f"x-{k}" for k in range(6) for _ in range(2)]
    who = np.repeat(np.eye(6), 2, axis=0)  # knows every speaker
    deaf = rng.standard_normal((12, 6))
    lines = load("judge", "errors").rows([who, deaf, who], speakers, {}, 0)
    (total,) = (cells(line) for line in lines if line.startswith("| all "))
    assert total[1] == total[3] == "0.000 [0.000, 0.000]" and float(total[2][:5]) > 0.1
    assert total[4:] == ["6", "6", "60"]


def test_judges_are_named_as_evaluate_names_them(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resemblyzer")
    judge = save_judge(tmp_path / "judge")
    words = ["--judge", judge, f"campplus:{CAMPPLUS}", "--data", prepared]
    words += ["--out", tmp_path / "errors.md"]
    monkeypatch.setattr(sys, "argv", ["errors.py", *map(str, words)])
    load("judge", "errors").main()
    lines = (tmp_path / "errors.md").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"- trained judge (EER 0.125): {judge} (")
    assert lines[1].startswith(f"- CAM++: {CAMPPLUS} (tensors ")
    head = ["trials", "trained judge (EER 0.125)", "CAM++", "resemblyzer", "people"]
    assert cells(lines[3])[:5] == head
