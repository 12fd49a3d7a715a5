"""Making .venv: what is installed when, what is said meanwhile, and what is refused."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stands in for Python: makes environments out of itself, and notes what pip is asked for.
PYTHON = """#!/usr/bin/env bash
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*)
    echo "pip $*" >>"$LOG"
    echo "Downloading torch (530 MB)"
    sleep "${PIP_SECONDS:-0}"
    [ -z "${PIP_FAILS:-}" ] || { echo "ERROR: No space left on device"; exit 1; } ;;
esac
"""
UV = '#!/usr/bin/env bash\necho "uv $*" >>"$LOG"\n'
DF = '#!/usr/bin/env bash\necho "Filesystem"\necho "/dev/x 9 9 ${FREE_KB:-90000000} 9% /"\n'
COMMANDS = ("bash", "cat", "cksum", "awk", "du", "tail", "mkdir", "rm", "sleep", "cp", "env")


class Setup:
    """Runs ``setup_venv`` in a repository of two files, with stand-ins on PATH."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log, self.bin = folder / "mine", folder / "log.txt", folder / "bin"
        self.root.mkdir()
        self.bin.mkdir()
        for name in ("pyproject.toml", "constraints.txt"):
            (self.root / name).write_text(name)
        for name in COMMANDS:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.put("python3.11", PYTHON)
        self.put("df", DF)

    def put(self, name: str, script: str) -> None:
        """Add a stand-in to PATH."""
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def __call__(self, level: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Set up a level."""
        script = f'set -euo pipefail; source {ROOT}/scripts/setup_venv.sh; setup_venv "$1" "$2"'
        environment = {"PATH": str(self.bin), "LOG": str(self.log), "HOME": os.environ["HOME"]}
        return subprocess.run(
            ["bash", "-c", script, "setup", str(self.root), level],
            capture_output=True, text=True, check=False, env=environment | variables,
        )  # fmt: skip

    def installed(self) -> list[str]:
        """What was installed so far: the installer and the extras of each call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [f"{line.split()[0]} {line.rpartition('[')[2].rstrip(']')}" for line in lines]


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_each_level_is_installed_once(setup: Setup) -> None:
    for _ in range(2):
        assert setup("demo").returncode == 0
    assert setup.installed() == ["pip demo"]
    for level in ("test", "test", "demo"):
        done = setup(level)
        assert done.returncode == 0, done.stderr
    assert setup.installed() == ["pip demo", "pip demo,eval,serve,sweep,dev"]
    assert not (setup.root / ".venv" / "tmp").exists()


def test_changed_requirements_are_installed_for_the_level_that_asks(setup: Setup) -> None:
    setup("test")
    (setup.root / "constraints.txt").write_text("torch==3")
    for level in ("demo", "demo", "test", "demo"):
        assert setup(level).returncode == 0
    assert setup.installed() == [
        "pip demo,eval,serve,sweep,dev",
        "pip demo",
        "pip demo,eval,serve,sweep,dev",
    ]


def test_uv_is_used_where_it_is(setup: Setup) -> None:
    setup.put("uv", UV)
    assert setup("demo").returncode == 0
    assert setup.installed() == ["uv demo"]
    line = setup.log.read_text()
    assert f"uv pip install --python {setup.root}/.venv/bin/python" in line
    assert f"-c {setup.root}/constraints.txt" in line


def test_the_size_is_said_first_and_too_small_a_disk_is_refused(setup: Setup) -> None:
    refused = setup("demo", FREE_KB="5000000")
    assert refused.returncode == 1 and setup.installed() == []
    assert len(refused.stderr.splitlines()) == 1
    assert "has 5 GB free" in refused.stderr and "takes 9 GB" in refused.stderr
    assert not (setup.root / ".venv").exists()
    done = setup("demo")
    assert "6 GB in the end, of 90 GB free" in done.stdout.splitlines()[0]


def test_a_long_installation_is_not_silent(setup: Setup) -> None:
    done = setup("demo", PIP_SECONDS="3.5", PROGRESS_SECONDS="1")
    lines = [line for line in done.stdout.splitlines() if "Downloading torch (530 MB)" in line]
    assert len(lines) >= 2
    assert all(re.match(r" +0:0[1-9] +\d+ MB  ", line) for line in lines)
    assert "\r" not in done.stdout  # no terminal, no line that changes


def test_a_failure_says_why_and_is_tried_again(setup: Setup) -> None:
    failed = setup("demo", PIP_FAILS="1")
    assert failed.returncode == 1
    assert "No space left on device" in failed.stderr
    assert failed.stderr.splitlines()[-1].startswith("error: installation failed")
    assert setup("demo").returncode == 0
    assert setup.installed() == ["pip demo", "pip demo"]


def test_no_python_is_one_sentence(setup: Setup) -> None:
    (setup.bin / "python3.11").unlink()
    failed = setup("demo")
    assert failed.returncode == 1
    assert failed.stderr == (
        "error: no Python 3.11 or 3.12 on PATH; install one and run this again\n"
    )


@pytest.mark.parametrize("name", ["demo", "test"])
def test_help_is_the_head_of_the_script(name: str) -> None:
    script = ROOT / "scripts" / f"{name}.sh"
    done = subprocess.run(["bash", script, "--help"], check=True, capture_output=True, text=True)
    assert f"bash scripts/{name}.sh" in done.stdout
    assert done.stderr == ""
