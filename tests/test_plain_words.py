"""Stages as one types them, in the state that the demo leaves: ``stage=2 name=x`` and no more."""

import shutil
from pathlib import Path

import pytest
import torch
from small_system import save_face_encoder, save_prompt_encoder, save_speech_tts, save_vocoder
from training import Runner

from mmtts.command.hydra_command import CONFIG_DIR
from mmtts.networks.face_backbone import SmallFaceNet
from mmtts.storage.model_folder import load_config, save_model, weights_hash

DEMO_SHAPE = {"feature_dim": 128, "channels": [16, 32, 64]}


@pytest.fixture
def demo(runner: Runner, prepared: Path) -> Runner:
    """The folders of a finished demo: prepared data, and a model of every stage under one name."""
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    runs = runner.folder / "runs"
    stage1 = weights_hash(save_speech_tts(runs / "stage1" / "tiny" / "model"))
    save_vocoder(runs / "vocoder" / "tiny" / "model")
    torch.manual_seed(0)
    backbone = {"face_backbone": SmallFaceNet(**DEMO_SHAPE)}
    save_model(runs / "face_backbone" / "tiny" / "model", "face_backbone", backbone)
    face = weights_hash(save_face_encoder(runs / "stage2" / "tiny" / "model", stage1))
    save_prompt_encoder(runs / "stage3" / "tiny" / "model", stage1, face)
    return runner


def test_the_demo_has_a_backbone_of_its_own_shape() -> None:
    text = (CONFIG_DIR / "experiment" / "face_backbone_tiny.yaml").read_text(encoding="utf-8")
    assert "channels: [16, 32, 64]" in text and "feature_dim: 128" in text
    assert SmallFaceNet().config != SmallFaceNet(**DEMO_SHAPE).config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "folder", "kind"),
    [
        ("1", "stage1", "speech_tts"),
        ("vocoder", "vocoder", "vocoder"),
        ("face_backbone", "face_backbone", "face_backbone"),
        ("2", "stage2", "face_encoder"),
        ("3", "stage3", "prompt_encoder"),
    ],
)
def test_a_stage_trains_beside_the_demo(demo: Runner, stage: str, folder: str, kind: str) -> None:
    demo(f"stage={stage}", "name=x", "stage.max_steps=2")
    config = load_config(demo.folder / "runs" / folder / "x" / "model", kind)
    if stage == "2":
        assert config.networks["face_encoder"]["backbone_config"]["channels"] == [16, 32, 64]


@pytest.mark.slow
def test_stage_2_without_a_backbone_says_what_to_do(
    demo: Runner, capsys: pytest.CaptureFixture
) -> None:
    shutil.rmtree(demo.folder / "runs" / "face_backbone")
    with pytest.raises(SystemExit):
        demo("stage=2", "name=x", "stage.max_steps=2")
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert "stage=face_backbone" in error
    demo("stage=2", "name=x", "stage.max_steps=2", "face_backbone=null")
    run = demo.folder / "runs" / "stage2" / "x" / "model"
    networks = load_config(run, "face_encoder").networks
    assert networks["face_encoder"]["backbone_config"]["channels"] == [32, 64, 128]
