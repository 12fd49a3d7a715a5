"""Two processes train as one with the same global batch would: the same losses, step by step.

Dropout is off, and what a step draws at random follows from the row (`many_processes.RowNoise`);
everything else is as it is in use. Batch norms, which CPUs cannot share, stay as they are.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from many_processes import SAMPLER, STYLE, curves
from small_models import make_stage1
from training import Runner

TESTS = Path(__file__).parents[1]
STEPS = 50
RUN = [
    "threads=1",
    "trainer.log_every_n_steps=1",
    f"trainer.max_steps={STEPS}",
    f"stage.valid_every={STEPS}",
    "callbacks.pictures.every=0",
    "callbacks.last.every_steps=10",
    "+callbacks.noise._target_=many_processes.RowNoise",
    "stage.lr=1e-4",  # rounding errors grow with it
]
TWO = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.devices=2"]
NORMS = ["+callbacks.norms._target_=many_processes.FrozenNorms"]

# What is small, or off; then what a single process needs to see the same global batches.
STAGES = {
    "stage1": (
        [
            *STYLE,
            *(f"model.acoustic_model.{size}=16" for size in ("width", "style_width")),
            *(f"model.acoustic_model.{count}=1" for count in ("encoder_layers", "style_layers")),
            "model.acoustic_model.decoder_layers=1",
            "model.acoustic_model.frame_layers=1",
            "model.acoustic_model.dropout=0",
            "stage.data.batch_seconds=6",
            "stage.data.num_workers=0",
        ],
        ["stage.data._target_=many_processes.MergedSpeechData"],
    ),
    "stage2": (
        [
            *STYLE,
            *SAMPLER,
            "stage1=stage1",
            "face_backbone=null",
            "model.face_encoder.width=16",
            "model.face_encoder.dropout=0",
            "stage.module.views=1",
            "stage.data.batch_size=8",
        ],
        ["stage.data.batch_size=16"],
    ),
    "stage3": (
        [
            *STYLE,
            *SAMPLER,
            "stage1=stage1",
            "stage2=runs/stage2/one/model",
            "model.prompt_encoder.width=16",
            "model.prompt_encoder.dropout=0",
            "model.ngram_prompt_net.dropout=0",
            "model.ngram_prompt_net.split=0",
            "stage.data.batch_size=8",
            "stage.data.epoch_pairs=64",
        ],
        ["stage.data.batch_size=16"],
    ),
    "vocoder": (
        [
            "model=vocoder_adversarial",
            *(f"model.vocoder.{size}=16" for size in ("width", "hidden", "pitch_width")),
            "model.vocoder.layers=1",
            "model.vocoder.refinements=1",
            "model.discriminators.sizes=[256]",
            "model.discriminators.periods=[2]",
            "model.discriminators.spectrum_width=2",
            "model.discriminators.period_width=2",
            "loss.adversarial_after=10",
            "stage.module.refinements=1",
            "stage.module.measured_clips=0",
            "stage.data.batch_size=2",
            "stage.data.crop_seconds=0.256",
            "stage.lr=1e-6",  # the likeliest pitch is a jump, which a rounding error may decide
        ],
        ["stage.data._target_=many_processes.MergedWaveData"],
    ),
    "judge": (
        [
            *NORMS,
            "model.verifier.width=16",
            "model.verifier.pooled=16",
            "stage.data.batch_size=2",
            "stage.data.crop_seconds=[0.5,0.5]",
        ],
        ["stage.data._target_=many_processes.MergedSpeakerData"],
    ),
    "face_backbone": (
        [
            *NORMS,
            "model.small_face_net.channels=[4,8]",
            "model.small_face_net.blocks=[1,1]",
            "model.small_face_net.size=28",
            "stage.data.batch_size=4",
        ],
        ["stage.data.batch_size=8"],
    ),
}


def train(runner: Runner, *words: str) -> None:
    """Run `mmtts.train` as its users do, so that it can start its other process."""
    subprocess.run(command(*words), cwd=runner.folder, env=environment(), check=True, timeout=900)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "mmtts.train", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}


def words_of(stage: str, name: str) -> list[str]:
    return [f"experiment={stage}_tiny", f"name={name}", *RUN, *STAGES[stage][0]]


def prepare(runner: Runner, prepared: Path, stages: Sequence[str]) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny", dirs_exist_ok=True)
    if {"stage2", "stage3"} & set(stages):
        make_stage1(runner.folder / "stage1")
    if "stage3" in stages:
        train(runner, *words_of("stage2", "one"), "trainer=cpu", "trainer.max_steps=1")


@pytest.mark.slow
@pytest.mark.parametrize("stage", sorted(STAGES))
def test_two_processes_give_the_curve_of_one(runner: Runner, prepared: Path, stage: str) -> None:
    prepare(runner, prepared, [stage])
    name = "alone" if stage == "stage3" else "one"
    train(runner, *words_of(stage, name), "trainer=cpu", *STAGES[stage][1])
    train(runner, *words_of(stage, "two"), *TWO)
    runs = runner.folder / "runs" / stage
    one, two = curves(runs / name), curves(runs / "two")
    assert one.keys() == two.keys()
    assert len(one["train/loss"]) == STEPS
    assert one["train/loss"][0] != one["train/loss"][-1]
    for loss, expected in one.items():
        assert two[loss] == pytest.approx(expected, rel=1e-5, abs=1e-5), loss


@pytest.mark.slow
def test_a_run_whose_second_process_was_killed_goes_on(runner: Runner, prepared: Path) -> None:
    prepare(runner, prepared, ["stage2"])
    straight, killed = (words_of("stage2", name) + TWO for name in ("straight", "killed"))
    train(runner, *straight)
    process = subprocess.Popen(command(*killed), cwd=runner.folder, env=environment())
    last = runner.folder / "runs" / "stage2" / "killed" / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 600
    while not last.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    other = next(c for c in children if b"mmtts" in Path(f"/proc/{c}/cmdline").read_bytes())
    os.kill(int(other), signal.SIGKILL)
    assert process.wait(timeout=300) != 0  # nor does the first one stay behind
    assert 0 < torch.load(last)["global_step"] < STEPS
    train(runner, *killed, "resume=true")
    runs = runner.folder / "runs" / "stage2"
    assert curves(runs / "killed") == curves(runs / "straight")
