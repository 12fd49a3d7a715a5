"""Compiled networks compute what they are."""

import shutil
from pathlib import Path

import pytest
from many_processes import SAMPLER, STYLE, curves
from small_models import make_stage1
from torch import nn
from training import Runner

from mmtts.networks.face_encoder import FaceEncoder
from mmtts.training.compilation import compile_networks


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        small = {"feature_dim": 8, "size": 28, "channels": [4], "blocks": [1]}
        self.encoder = FaceEncoder("SmallFaceNet", small, style_dim=4, width=8, dropout=0.0)
        self.loss = nn.Linear(2, 2)


def test_networks_and_their_parts_are_compiled_and_keep_their_names() -> None:
    stage = Stage()
    names = list(stage.state_dict())
    compile_networks(stage, "eager")
    compiled = [stage.encoder, stage.encoder.head, stage.encoder.backbone]
    assert all(module._compiled_call_impl is not None for module in compiled)
    assert stage.loss._compiled_call_impl is None
    assert list(stage.state_dict()) == names


def test_nothing_is_compiled_unless_asked_for() -> None:
    stage = Stage()
    compile_networks(stage, False)
    assert all(module._compiled_call_impl is None for module in stage.modules())


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_compiled_run_has_the_losses_of_one_that_is_not(
    runner: Runner, prepared: Path, precision: str
) -> None:
    """With the fused optimizer and clipped gradients, in 32 bits and in mixed precision."""
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    make_stage1(runner.folder / "stage1")
    words = [
        "experiment=stage2_tiny",
        *STYLE,
        *SAMPLER,
        "stage1=stage1",
        "face_backbone=null",
        "model.face_encoder.width=16",
        "stage.data.batch_size=8",
        "trainer=cpu",
        f"trainer.precision={precision}",
        "trainer.max_steps=4",
        "stage.valid_every=4",
        "trainer.log_every_n_steps=1",
        "callbacks.pictures.every=0",
    ]
    runner(*words, "name=plain")
    runner(*words, "name=compiled", "compile=aot_eager")
    runs = runner.folder / "runs" / "stage2"
    plain, compiled = (curves(runs / name) for name in ("plain", "compiled"))
    accuracy = 1e-4 if precision == "32-true" else 0.05
    for name, losses in plain.items():
        assert compiled[name] == pytest.approx(losses, rel=accuracy, abs=accuracy), name
