"""A resumed run is the run that was never interrupted."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training import SEARCH, Runner

from mmtts.training.checkpoints import AtomicCheckpointIO


@pytest.mark.parametrize("step", [3, 8, 13, 16])
def test_resume_equals_a_straight_run(runner: Runner, step: int) -> None:
    """Eight steps an epoch: in the middle and at the end of an epoch, and at a validation."""
    runner.small("name=straight", "trainer.max_steps=20", "trainer.log_every_n_steps=1")
    stop = f"+callbacks.stop={{_target_:small_stage.StopAt,batch:{step}}}"
    with pytest.raises(SystemExit):
        runner.small("name=resumed", "trainer.log_every_n_steps=1", stop)
    runner.small("name=resumed", "trainer.log_every_n_steps=1", "resume=true")
    straight, resumed = runner.weights("straight"), runner.weights("resumed")
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)
    assert losses(runner.run("straight")) == losses(runner.run("resumed"))


@pytest.mark.parametrize("batch", [4, 5, 7, 8, 10])
def test_resume_is_exact_within_a_step_of_several_batches(runner: Runner, batch: int) -> None:
    """Three batches a step, eight an epoch: a step waits for more before batches 4, 5, 7 and 10."""
    words = ["trainer.accumulate_grad_batches=3", "trainer.max_steps=8"]
    stop = f"+callbacks.stop={{_target_:small_stage.StopAt,batch:{batch}}}"
    runner.small("name=straight", *words, RECORD + "straight}")
    with pytest.raises(SystemExit):
        runner.small("name=resumed", *words, stop, RECORD + "resumed}")
    runner.small("name=resumed", *words, "resume=true", RECORD + "resumed}")
    straight, resumed = runner.weights("straight"), runner.weights("resumed")
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)
    drawn = noise(runner.folder / "straight")
    first = {4: 3, 5: 3, 7: 6, 8: 8, 10: 8}[batch]  # the first batch of its step
    assert noise(runner.folder / "resumed") == drawn[:batch] + drawn[first:]


RECORD = "+callbacks.record={_target_:small_stage.RecordNoise,path:"


def noise(path: Path) -> list[list[float]]:
    """Number, step and first draws of every batch."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_batches_of_one_step_draw_different_noise(runner: Runner) -> None:
    words = ["trainer.accumulate_grad_batches=2", "trainer.max_steps=6"]
    runner.small(*words, RECORD + "drawn}")
    rows = noise(runner.folder / "drawn")
    assert [row[:2] for row in rows] == [[batch, batch // 2] for batch in range(12)]
    for column in (2, 3, 4):  # torch, numpy, random
        assert len({row[column] for row in rows}) == 12


def losses(run: Path) -> dict[str, list[str]]:
    """Training and validation losses in the order in which they were logged."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: [row[key] for row in rows if row[key]] for key in ("train/loss", "valid/loss")}


def test_a_finished_run_can_be_made_longer(runner: Runner) -> None:
    runner.small("trainer.max_steps=8")
    runner.small("trainer.max_steps=16", "resume=true")
    last = torch.load(runner.run("a") / "checkpoints" / "last.ckpt")
    assert last["global_step"] == 16


def test_resuming_a_finished_run_changes_nothing(runner: Runner) -> None:
    runner.small()
    before = runner.weights("a")
    runner.small("resume=true")
    assert all(torch.equal(before[key], value) for key, value in runner.weights("a").items())


def test_a_failed_write_keeps_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"step": 1}, path)

    def half(value: object, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise MemoryError

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(MemoryError):
        AtomicCheckpointIO().save_checkpoint({"step": 2}, path)
    monkeypatch.undo()
    assert torch.load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_run_fails_and_goes_on(runner: Runner, how: signal.Signals) -> None:
    """Stop while a checkpoint is written at every step, then resume: same as a straight run."""
    words = ["trainer.max_steps=200", "callbacks.last.every_steps=1", "callbacks.pictures.every=0"]
    runner.small("name=straight", *words)
    command = [
        *(sys.executable, "-m", "mmtts.train", "stage=small", SEARCH, "data=folder"),
        *("data.folder=.", "data.name=a", "name=killed", "stage.module.pause=0.01", *words),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    process = subprocess.Popen(command, cwd=runner.folder, env=environment)
    last = runner.run("killed") / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 240
    while not last.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(how)
    assert process.wait() != 0  # or a script would take it for finished
    step = torch.load(last)["global_step"]
    assert 0 < step < 200
    runner.small("name=killed", "resume=true", *words)
    straight, resumed = runner.weights("straight"), runner.weights("killed")
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)
