"""Threads: every command decides how they wait before torch is loaded, unless the user did."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mmtts.command.threads import SPINS, WAITING, idle_cores, idle_shares

ROOT = Path(__file__).parents[2]
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
COMMANDS = sorted({target.partition(":")[0] for target in SCRIPTS.values()})


def run(program: str, **environment: str) -> str:
    """Run a program without any word about threads in the environment; return what it prints."""
    kept = {key: value for key, value in os.environ.items() if key not in WAITING}
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, **environment},
    )
    return result.stdout.splitlines()[-1]


def test_every_command_decides_before_torch_is_loaded() -> None:
    program = f"""
import contextlib, importlib, os, sys
for name in {COMMANDS}:
    os.environ.pop("GOMP_SPINCOUNT", None)
    command = importlib.import_module(name)
    sys.argv = [name, "--help"]
    with contextlib.suppress(SystemExit):
        command.main()
    assert "torch" not in sys.modules, name
    assert os.environ.get("GOMP_SPINCOUNT") == "{SPINS}", name
print("good")
"""
    assert run(program) == "good"


@pytest.mark.parametrize("name", WAITING)
def test_the_user_comes_first(name: str) -> None:
    program = """
import os
from mmtts.command.threads import wait_briefly
wait_briefly()
print({key: value for key, value in os.environ.items() if key.startswith(("GOMP", "OMP_WAIT"))})
"""
    assert run(program, **{name: "active"}) == str({name: "active"})


def test_a_program_that_has_loaded_torch_keeps_its_environment() -> None:
    program = """
import os, torch
from mmtts.command.threads import wait_briefly
wait_briefly()
print(os.environ.get("GOMP_SPINCOUNT"))
"""
    assert run(program) == "None"


def test_the_python_interface_leaves_the_environment_alone(small_system: Path) -> None:
    program = f"""
import os
before = dict(os.environ)
from mmtts import Synthesizer
Synthesizer.from_pretrained({str(small_system)!r})
changed = [key for key in ("GOMP_SPINCOUNT", *before) if os.environ.get(key) != before.get(key)]
print([key for key in changed if "OMP" in key])
"""
    assert run(program) == "[]"


def test_idle_shares_by_hand() -> None:
    before = [[100, 0, 50, 800, 10, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]]
    after = [[120, 10, 60, 850, 20, 0, 0, 0], [50, 0, 50, 0, 0, 0, 0, 0]]
    assert idle_shares(before, after) == [pytest.approx(0.7), 0.0]


@pytest.mark.parametrize(("idle", "cores"), [(0.0, 1), (0.5, 1), (0.97, 2), (1.0, 2)])
def test_threads_are_as_many_as_idle_cores(
    monkeypatch: pytest.MonkeyPatch, idle: float, cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr("mmtts.command.threads.idle_shares", lambda *_: [idle, idle])
    assert idle_cores(0.0) == cores
