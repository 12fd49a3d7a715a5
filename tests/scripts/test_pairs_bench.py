"""The benchmark of pair tables runs on small ones, and says what it measured."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "pairs_bench.py"


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_benchmark_measures_both_stages(ending: str, tmp_path: Path) -> None:
    words = ["--pairs=400", "--people=40", "--batch=16", "--batches=5", f"--folder={tmp_path}"]
    command = [sys.executable, str(SCRIPT), *words, f"--ending={ending}", "--clips=sampled"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    first, *stages = said.splitlines()
    assert first.startswith("400 pairs, 40 people, 200 faces, 80 clips")
    assert [line.split(":")[0] for line in stages] == ["FaceSpeechData", "PromptData"]
    assert all("batches/s" in line and "peak" in line for line in stages)
    assert "plan of 12 batches" in stages[0]  # 195 faces of training people, each once
    assert not list(tmp_path.iterdir())
