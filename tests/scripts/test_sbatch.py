"""The batch script composes a command that trains, and goes back into the queue in time."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train.sbatch"
SLURM = {
    "SLURM_JOB_ID": "4711",
    "SLURM_NNODES": "2",
    "SLURM_NTASKS_PER_NODE": "8",
    "SLURM_CPUS_PER_TASK": "6",
}


def stand_in(folder: Path, name: str, body: str) -> None:
    """A program of Slurm's, as far as the script needs it."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def start(folder: Path, *words: str) -> subprocess.Popen:
    paths = f"{folder / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, **SLURM, "PATH": paths, "PYTHONPATH": str(SCRIPT.parents[1])}
    return subprocess.Popen(
        ["bash", SCRIPT, *words], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_it_is_a_script_that_bash_can_read() -> None:
    subprocess.run(["bash", "-n", SCRIPT], check=True)


def test_a_signal_puts_the_job_back_into_the_queue(tmp_path: Path) -> None:
    stand_in(tmp_path, "scontrol", f'echo "$@" > {tmp_path}/asked')
    stand_in(tmp_path, "srun", f"touch {tmp_path}/runs; sleep 3; exit 9")
    job = start(tmp_path)
    while not (tmp_path / "runs").exists():
        assert job.poll() is None
        time.sleep(0.02)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(timeout=60) == 9  # what became of the run, not of the wait for it
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"


@pytest.mark.slow
def test_its_command_is_one_of_the_trainer(tmp_path: Path) -> None:
    keep = 'while [[ $1 == --* ]]; do shift; done; exec "$@" --cfg job'
    stand_in(tmp_path, "srun", keep)
    job = start(tmp_path, "experiment=stage1_tiny", "name=big", "trainer.max_steps=7")
    said, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    for line in ("num_nodes: 2", "devices: 8", "resume: true", "name: big", "max_steps: 7"):
        assert line in said
    assert "DDPStrategy" in said
