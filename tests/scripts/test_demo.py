"""The demo, in a copy of the repository whose packages are installed already."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from source_imports import ROOT


@pytest.mark.slow
def test_it_speaks_with_the_package_s_own_weights(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("demo.sh", "help.sh"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    faces = Path("recipes") / "starter" / "faces"
    shutil.copytree(ROOT / faces, tmp_path / faces)
    (tmp_path / "scripts" / "setup_venv.sh").write_text("setup_venv() { :; }\n")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    environment.pop("MMTTS_MODEL", None)
    script = str(tmp_path / "scripts" / "demo.sh")
    done = subprocess.run(
        ["bash", script], check=True, capture_output=True, text=True, cwd="/", env=environment
    )
    out = tmp_path / "outputs" / "demo"
    spoken = {path.stem: soundfile.info(path).duration for path in out.rglob("*.wav")}
    kinds = {"maple", "face1_mean", "prompt1_mean", "clip3", "mix_050"}
    assert kinds <= set(spoken) and any(name.startswith("ready_") for name in spoken)
    assert all(1.0 < seconds < 8.0 for seconds in spoken.values())
    assert all(f"{name}.wav" in done.stdout for name in spoken)
    assert (out / "index.html").stat().st_size > 100_000
