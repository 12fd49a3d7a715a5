"""The table over folds: pooled pairs, everyone held out once per seed."""

import subprocess
import sys
from pathlib import Path

import pytest
from held_folds import write_fold

ROOT = Path(__file__).parents[2]


def table(*folders: Path, words: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "cross_validation.py"), *map(str, folders)]
    return subprocess.run(
        [*command, "--draws", "20", *words], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_runs_become_rows_of_one_table(tmp_path: Path) -> None:
    names = [f"person{k}" for k in range(20)]
    for seed in (1, 2):
        for fold in (0, 1):
            people = names[10 * fold : 10 * fold + 10]
            write_fold(tmp_path / "right" / f"{seed}-{fold}", seed, fold, people, True)
            write_fold(tmp_path / "wrong" / f"{seed}-{fold}", seed, fold, people, False)
    result = table(tmp_path / "right", tmp_path / "wrong")
    assert result.returncode == 0, result.stderr
    rows = [line.split(" | ") for line in result.stdout.splitlines()[2:]]
    assert [row[1] for row in rows[:3]] == [
        "z_f",
        "ridge regression, same features",
        "z_f over ridge regression",
    ]
    right, ridge, over, wrong, nothing = rows  # a baseline of the features stands there once
    assert right[0] == "| right" and wrong[0] == "| wrong"
    values = [[float(cell.split()[0]) for cell in row[2:5]] for row in (right, ridge, over)]
    gap = [a - b for a, b in zip(*values[:2], strict=True)]
    assert values[2] == pytest.approx(gap, abs=2e-3)
    assert nothing[2:5] == ["0.000 [0.000, 0.000]"] * 3
    assert [cell.split()[0] for cell in right[2:5]] == ["1.000"] * 3
    assert all(float(cell.split()[0]) < 0.7 for cell in wrong[2:5])
    assert right[5:] == ["20", "2 |"]
    write_fold(tmp_path / "other" / "1-0", 1, 0, names[:10], True)
    write_fold(tmp_path / "other" / "1-1", 1, 1, names[10:], True)
    rows = table(tmp_path / "right", tmp_path / "other").stdout.splitlines()[2:]
    assert [row.split(" | ")[1] for row in rows].count("ridge regression, same features") == 2
    out = tmp_path / "tables" / "faces"
    out.parent.mkdir()
    shown = table(tmp_path / "right", tmp_path / "wrong", words=("--out", str(out))).stdout
    assert (out.parent / "faces.md").read_text() == shown
    written = (out.parent / "faces.csv").read_text().splitlines()
    assert written[0].startswith("run,voice,AUC,AUC low,AUC high,5-way matching,")
    assert written[1].startswith("right,z_f,1.0,1.0,1.0,") and written[1].endswith(",20,2")


@pytest.mark.parametrize("missing", [True, False])
def test_folds_that_are_missing_or_there_twice_are_refused(tmp_path: Path, missing: bool) -> None:
    write_fold(tmp_path / "a", 1, 0, ["x", "y"], True)
    if not missing:
        write_fold(tmp_path / "b", 1, 0, ["x", "y"], True)
    result = table(tmp_path)
    wanted = "has 1 of 2 folds with seed 1" if missing else "has fold 0 of seed 1 twice"
    assert result.returncode == 2 and wanted in result.stderr
    assert "held_out.npz" in table(tmp_path / "nothing").stderr
