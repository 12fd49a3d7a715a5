"""Whole runs that train from shards."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_stages_together import SMALL
from training import SEARCH, Runner

from mmtts.storage.model_folder import load_config

SHARDS = ["stage.data.open_shards=2", "data=folder", "data.name=hum", "trainer=cpu"]
STAGE1 = [
    *("experiment=stage1_streamed", "model=speech_tts_tiny", *SMALL["stage1"], *SHARDS),
    *("stage.data.batch_seconds=6", "stage.data.buffer_size=6", "stage.data.epoch_batches=5"),
    *("stage.data.reference_seconds=[0.3,0.6]", "trainer.log_every_n_steps=1"),
]
VOCODER = [
    *("experiment=vocoder_streamed", "model=vocoder_tiny", *SMALL["vocoder"], *SHARDS),
    *("stage.data.epoch_batches=3", "stage.valid_every=2", "trainer.max_steps=4"),
]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / "last.ckpt")["state_dict"]


@pytest.mark.parametrize("batch", [3, 7])
def test_stage1_trains_from_shards_and_resumes(runner: Runner, sharded: Path, batch: int) -> None:
    """Five batches an epoch: stopped in the first and in the second."""
    words = [*STAGE1, f"data.folder={sharded}", "stage.valid_every=4", "trainer.max_steps=9"]
    runner(*words, "name=straight")
    stop = f"+callbacks.stop={{_target_:small_stage.StopAt,batch:{batch}}}"
    with pytest.raises(SystemExit):
        runner(*words, SEARCH, "name=resumed", stop)
    runner(*words, "name=resumed", "resume=true")
    runs = runner.folder / "runs" / "stage1"
    straight, resumed = weights(runs / "straight"), weights(runs / "resumed")
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)
    model = load_config(runs / "straight" / "model", "speech_tts")
    assert len(model.extra["speakers"]) == 6


def test_the_vocoder_trains_from_shards(runner: Runner, sharded: Path) -> None:
    runner(*VOCODER, f"data.folder={sharded}", "name=a")
    run = runner.folder / "runs" / "vocoder" / "a"
    assert load_config(run / "model", "vocoder").networks["vocoder"]["width"] == 32
    assert torch.load(run / "checkpoints" / "last.ckpt")["global_step"] == 4


def test_a_broken_shard_ends_a_run_in_one_sentence(
    runner: Runner, folder: Path, capsys: pytest.CaptureFixture
) -> None:
    for path in (folder / "speech" / "shar" / "train").glob("recording.*.tar"):
        path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(SystemExit):
        runner(*STAGE1, f"data.folder={folder}", "stage.valid_every=4", "trainer.max_steps=4")
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: ") and ".tar cannot be read" in said


@pytest.mark.slow
def test_two_processes_train_from_an_object_storage(runner: Runner, bucket: str) -> None:
    words = [f"data.folder={bucket}", "name=ddp", "stage.valid_every=4", "trainer.max_steps=8"]
    words += ["trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true"]
    words += ["trainer.devices=2", "stage.data.num_workers=2"]
    public = ["experiment=stage1_public", *STAGE1[1:], *words]
    command = [sys.executable, "-m", "mmtts.train", *public]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run(command, cwd=runner.folder, env=environment, check=True, timeout=600)
    last = torch.load(runner.folder / "runs" / "stage1" / "ddp" / "checkpoints" / "last.ckpt")
    assert last["global_step"] == 8  # in the second epoch of five batches
    model = load_config(runner.folder / "runs" / "stage1" / "ddp" / "model", "speech_tts")
    assert len(model.extra["speakers"]) == 6
