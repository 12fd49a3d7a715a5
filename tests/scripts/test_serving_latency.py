"""The measurement of a server: every request is counted, and memory is looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_whole_script(small_system: Path, tmp_path: Path) -> None:
    words = ["--requests", "8", "--clients", "2", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "serving_latency.py", "--model", small_system, *words,
         "--out", tmp_path / "new" / "latency.json"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| requests, clients | 8, 2 |" in done.stdout and "| errors | 0 |" in done.stdout
    found = json.loads((tmp_path / "new" / "latency.json").read_text())
    assert 0 < found["first_p50"] <= found["first_p95"] <= found["last_p95"]
    assert found["speech_seconds"] > 8 and len(found["memory_mb"]) == 5
