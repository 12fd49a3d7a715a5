"""Training of a face backbone on the small prepared folder."""

from pathlib import Path

import pytest
import torch
from small_models import ADAM, FACE_NET, fit

from mmtts.data.face_images import FaceImages
from mmtts.networks.face_backbone import SmallFaceNet
from mmtts.stages.face_backbone import FaceBackboneStage
from mmtts.storage.model_folder import load_config, load_network


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> FaceBackboneStage:
    torch.manual_seed(0)
    stage = FaceBackboneStage(SmallFaceNet(**FACE_NET), ADAM)
    data = FaceImages(str(prepared), batch_size=12, seed=1)
    fit(stage, data, tmp_path_factory.mktemp("run"), steps=60)
    return stage


@pytest.mark.slow
def test_it_learns_from_the_teacher(trained: FaceBackboneStage) -> None:
    metrics = trained.trainer.callback_metrics
    assert metrics["train/point"] < 0.6
    assert metrics["train/person"] < 6.0
    names = {"loss", "point", "relation", "auc", "eer", "auc_teacher", "teacher_correlation"}
    assert {f"valid/{name}" for name in names} <= set(metrics)


@pytest.mark.slow
def test_export_holds_the_backbone(trained: FaceBackboneStage, tmp_path: Path) -> None:
    folder = trained.export(tmp_path / "model")
    config = load_config(folder, "face_backbone")
    again = load_network(folder, config, "face_backbone", SmallFaceNet)
    images = torch.rand(2, 3, 112, 112)
    torch.testing.assert_close(again(images), trained.backbone.eval()(images))


def test_a_weight_of_zero_turns_a_term_off(prepared: Path, tmp_path: Path) -> None:
    stage = FaceBackboneStage(
        SmallFaceNet(**FACE_NET), ADAM, relation_weight=0.0, person_weight=0.0
    )
    fit(stage, FaceImages(str(prepared), batch_size=12), tmp_path, steps=1)
    logged = set(stage.trainer.callback_metrics)
    assert "train/point" in logged and not {"train/relation", "train/person"} & logged
