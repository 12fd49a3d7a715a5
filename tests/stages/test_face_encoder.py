"""Stage 2 on the small prepared folder: its seam, its frozen parts, its ablations."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_models import ADAM, FACE_NET, SPEAKER, face_encoder, fit, make_stage1, sampler
from torch.nn import functional as F

from mmtts import InputError
from mmtts.data.folds import some_people
from mmtts.data.pairs import FaceSpeechData
from mmtts.losses.contrastive import InfoNCE, SigLIP
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.networks.face_backbone import SmallFaceNet
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.face_encoder import FaceEncoderStage
from mmtts.stages.face_start import face_features
from mmtts.stages.face_voice_scores import held_out_scores
from mmtts.storage.model_folder import load_config, load_network, save_model


@pytest.fixture(scope="module")
def stage1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_stage1(tmp_path_factory.mktemp("models") / "stage1")


def make(stage1: Path, **options: Any) -> FaceEncoderStage:
    torch.manual_seed(0)
    arguments: dict[str, Any] = {
        "face_encoder": face_encoder(),
        "style_sampler": sampler(condition_dim=SPEAKER),
        "distillation": RelationalDistillation(mu=0.5),
        "contrast": InfoNCE(),
        "optimizer": ADAM,
        "scheduler": None,
        "stage1": str(stage1),
        "views": 2,
        **options,
    }
    return FaceEncoderStage(**arguments)


def data(prepared: Path) -> FaceSpeechData:
    return FaceSpeechData(str(prepared), batch_size=12, seed=1)


@pytest.fixture(scope="module")
def trained(
    stage1: Path, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FaceEncoderStage, dict[str, torch.Tensor]]:
    stage = make(stage1)
    before = {k: v.clone() for k, v in stage.face_encoder.backbone.state_dict().items()}
    fit(stage, data(prepared), tmp_path_factory.mktemp("run"), steps=60)
    return stage, before


def test_training_faces_find_their_voices(trained: tuple) -> None:
    metrics = trained[0].trainer.callback_metrics
    assert {"train/identity", "train/distillation", "train/contrast", "train/sampler"} <= set(
        metrics
    )
    assert metrics["train/identity"] < 8.0  # about 10 at first
    watched = {"auc", "eer", "auc_random", "mean_auc", "ridge_auc", "nearest_auc", "loss"}
    assert {f"valid/{name}" for name in watched} <= set(metrics)


def test_the_backbone_is_frozen_in_all_four_ways(trained: tuple) -> None:
    stage, before = trained
    backbone = stage.face_encoder.backbone
    assert not any(p.requires_grad for p in backbone.parameters())
    stage.train()
    assert not any(m.training for m in backbone.modules()) and stage.face_encoder.head.training
    optimized = {id(p) for g in stage.optimizers().optimizer.param_groups for p in g["params"]}
    assert not optimized & {id(p) for p in backbone.parameters()}
    assert all(torch.equal(v, before[k]) for k, v in backbone.state_dict().items())


def test_the_speech_encoder_is_nowhere_in_the_stage(trained: tuple) -> None:
    names = {type(module).__name__ for module in trained[0].modules()}
    assert not names & {"AcousticModel", "StyleEncoder"}


def test_classes_start_at_the_mean_styles_of_people(stage1: Path, prepared: Path) -> None:
    stage, module = make(stage1), data(prepared)
    fit(stage, module, prepared.parent, steps=1, limit_train_batches=1)
    batch = next(module.blocks_of("train"))
    fresh = make(stage1)
    fresh.trainer = stage.trainer
    fresh.setup("fit")
    who = F.normalize(batch.style[:, :SPEAKER], dim=-1)
    for person in range(len(module.people)):
        mean = F.normalize(who[batch.person == person].mean(0), dim=0)
        torch.testing.assert_close(fresh.classifier.weight[person].detach(), mean)


def test_a_face_without_voice_and_label_is_for_the_teacher_alone(
    prepared: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(prepared, tmp_path / "prepared")
    table = folder / "faces.csv"
    face = table.read_text().splitlines()[1].split(",")[0]
    shutil.copy(folder / face, folder / "faces" / "labeled.jpg")
    with table.open("a") as file:  # the second picture is not even there
        file.write("faces/labeled.jpg,someone,train,female,,\nfaces/gone.jpg,nobody,train,,,\n")
    module = data(folder)
    module.setup("fit")
    _, others = face_features(face_encoder(), module, 1, None)
    assert others is not None and "faces/labeled.jpg" in others.ids
    assert "faces/gone.jpg" not in others.ids
    module.others = 4
    with pytest.raises(InputError, match=r"gone\.jpg"):
        face_features(face_encoder(), module, 1, None)


def test_very_many_pairs_start_from_some_people(
    stage1: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmtts.stages.face_start.MOST_PAIRS", 20)
    monkeypatch.setattr("mmtts.stages.face_voice_scores.MOST_PAIRS", 20)
    monkeypatch.setattr("mmtts.stages.face_voice_scores.WATCHED", 3)
    monkeypatch.setattr("mmtts.stages.face_encoder.MOST_VOICES", 5)
    stage, module = make(stage1), data(prepared)
    fit(stage, module, tmp_path, steps=2)
    everyone = module.pairs["train"]
    some = some_people(everyone, 20)
    assert 0 < len(some) <= 20 < len(everyone)
    chosen = {pair.person for pair in some}
    assert list(some) == [pair for pair in everyone if pair.person in chosen]
    unseen = next(module.blocks_of("train")).unseen  # strangers to the map have a z_f too
    assert unseen.shape == (len(everyone), SPEAKER)
    torch.testing.assert_close(unseen.norm(dim=1), torch.ones(len(everyone)))
    with np.load(tmp_path / "held_out.npz") as held:
        assert {len(held[n]) for n in ("face", "z_f", "ridge", "nearest")} == {len(held["cut"])}
        assert len(held["cut"]) <= 3
    whole = make(stage1)  # classes start at all voices, however many are looked at together
    monkeypatch.setattr("mmtts.stages.face_encoder.MOST_VOICES", 10**6)
    whole.trainer = stage.trainer
    whole.setup("fit")
    pieces = make(stage1)
    monkeypatch.setattr("mmtts.stages.face_encoder.MOST_VOICES", 5)
    pieces.trainer = stage.trainer
    pieces.setup("fit")
    torch.testing.assert_close(pieces.classifier.weight, whole.classifier.weight)


def test_export_is_loaded_again_with_its_lineage(
    trained: tuple, stage1: Path, tmp_path: Path
) -> None:
    stage = trained[0]
    folder = stage.export(tmp_path / "model")
    config = load_config(folder, "face_encoder")
    assert config.lineage == {"speech_tts": load_config(stage1, "speech_tts").sha256}
    encoder = load_network(folder, config, "face_encoder", FaceEncoder)
    law = load_network(folder, config, "style_sampler", StyleSampler)
    images = torch.rand(2, 3, 186, 186) * 2 - 1
    stage.eval()
    z = encoder(images)
    torch.testing.assert_close(z, stage.face_encoder(images))
    torch.testing.assert_close(law.mean(z), stage.style_sampler.mean(z))


def test_a_face_encoder_of_another_width_is_refused(stage1: Path) -> None:
    wide = FaceEncoder("SmallFaceNet", FACE_NET, style_dim=16, width=16)
    with pytest.raises(InputError, match=r"12 of them the speaker's; say style.speaker_dim=12"):
        make(stage1, face_encoder=wide)


def test_what_held_out_people_got_is_written_when_the_run_ends(
    trained: tuple, prepared: Path, tmp_path: Path
) -> None:
    stage = trained[0]
    with np.load(Path(stage.trainer.default_root_dir) / "held_out.npz") as file:
        held = dict(file)
    pairs = stage.trainer.datamodule.pairs["valid"]
    assert held["person"].tolist() == [pair.person for pair in pairs]
    for name in ("voice", "z_f", "mean", "ridge", "nearest"):
        assert held[name].shape == (len(pairs), SPEAKER)
    np.testing.assert_allclose(np.linalg.norm(held["mean"], axis=1), 1.0, atol=1e-5)


def test_pictures_are_rgb(trained: tuple) -> None:
    stage = trained[0].eval()
    pictures = stage.pictures(next(stage.trainer.datamodule.blocks_of("valid")))
    assert set(pictures) == {"style_space", "similarity"}
    assert all(p.ndim == 3 and p.shape[2] == 3 and p.dtype == "uint8" for p in pictures.values())


@pytest.mark.parametrize("name", ["identity", "distillation", "contrast", "sampler"])
def test_a_weight_of_zero_turns_a_term_off(
    name: str, stage1: Path, prepared: Path, tmp_path: Path
) -> None:
    stage = make(stage1, **{f"{name}_weight": 0.0})
    fit(stage, data(prepared), tmp_path, steps=1)
    logged = {key for key in stage.trainer.callback_metrics if key.startswith("train/")}
    full = {f"train/{n}" for n in ("identity", "distillation", "contrast", "sampler", "loss")}
    assert logged == full - {f"train/{name}"}


def test_ablations_and_a_learning_backbone(stage1: Path, prepared: Path, tmp_path: Path) -> None:
    stage = make(stage1, style_sampler=None, contrast=SigLIP(), train_backbone=True)
    before = stage.face_encoder.backbone.trunk[0].weight.clone()
    fit(stage, data(prepared), tmp_path / "a", steps=1)
    assert not torch.equal(stage.face_encoder.backbone.trunk[0].weight, before)
    folder = stage.export(tmp_path / "model")
    assert set(load_config(folder, "face_encoder").networks) == {"face_encoder"}
    point = make(stage1, style_sampler=sampler("point", SPEAKER))
    fit(point, data(prepared), tmp_path / "b", steps=1)


def save_backbone(folder: Path, **shape: Any) -> Path:
    torch.manual_seed(0)
    return save_model(folder, "face_backbone", {"face_backbone": SmallFaceNet(**shape)})


def test_the_seams_are_strict(stage1: Path, tmp_path: Path) -> None:
    good = save_backbone(tmp_path / "good", **FACE_NET)
    stage = make(stage1, face_backbone=str(good))
    loaded = load_network(good, load_config(good, "face_backbone"), "face_backbone", SmallFaceNet)
    for key, value in loaded.state_dict().items():
        assert torch.equal(stage.face_encoder.backbone.state_dict()[key], value)
    with pytest.raises(InputError, match="a speech_tts model is needed"):
        make(good)
    with pytest.raises(InputError, match="no model folder"):
        make(tmp_path / "absent")


def test_a_backbone_brings_its_shape(stage1: Path, tmp_path: Path) -> None:
    folder = save_backbone(tmp_path / "other", feature_dim=20, size=32, channels=[4], blocks=[1])
    encoder = make(stage1, face_backbone=str(folder)).face_encoder
    assert encoder.backbone.config == SmallFaceNet(20, 32, [4], [1]).config
    assert encoder.config["backbone_config"] == encoder.backbone.config
    assert encoder.config["width"] == face_encoder().config["width"]
    assert encoder(torch.zeros(2, 3, 186, 186)).shape == (2, SPEAKER)
    assert not any(p.requires_grad for p in encoder.backbone.parameters())


def test_a_missing_backbone_is_named_with_what_to_do(stage1: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"stage=face_backbone .* face_backbone=null"):
        make(stage1, face_backbone=str(tmp_path / "absent"))


@pytest.fixture
def untaught(prepared: Path, tmp_path: Path) -> Path:
    """A prepared folder without a face teacher."""
    folder = shutil.copytree(prepared, tmp_path / "untaught")
    (folder / "face_teacher.npz").unlink()
    return folder


@pytest.mark.parametrize("train_backbone", [False, True])
def test_an_untrained_network_is_no_face_teacher(
    stage1: Path, untaught: Path, tmp_path: Path, train_backbone: bool
) -> None:
    stage = make(stage1, train_backbone=train_backbone)
    with pytest.raises(InputError, match=r"no face_teacher.npz.*mu=1") as refusal:
        fit(stage, data(untaught), tmp_path, steps=1)
    assert "\n" not in str(refusal.value)


def test_without_a_face_teacher_there_are_three_ways(
    stage1: Path, untaught: Path, tmp_path: Path
) -> None:
    alone = make(stage1, distillation=RelationalDistillation(mu=1.0))
    fit(alone, data(untaught), tmp_path / "a", steps=1)
    without = make(stage1, distillation_weight=0.0)
    fit(without, data(untaught), tmp_path / "b", steps=1)
    assert "train/distillation" not in without.trainer.callback_metrics
    recognizer = save_backbone(tmp_path / "recognizer", **FACE_NET)
    taught = make(stage1, face_backbone=str(recognizer))
    fit(taught, data(untaught), tmp_path / "c", steps=1)
    batch = next(taught.trainer.datamodule.blocks_of("valid"))
    torch.testing.assert_close(batch.face_teacher, batch.features)


def test_ridge_and_mean_voices_are_scored_by_one_likeness(trained: tuple) -> None:
    stage = trained[0]
    module = stage.trainer.datamodule
    train = next(module.blocks_of("train"))
    who = F.normalize(train.style[:, :SPEAKER], dim=-1)
    people = torch.stack([who[train.person == k].mean(0) for k in range(len(module.people))])
    np.testing.assert_allclose(stage.voice_mean, people.mean(0), atol=1e-5)
    # A constant voice is like nobody: no method gains by what all voices share.
    held = stage.held_out()
    constant = np.repeat(stage.voice_mean[None], len(held["voice"]), 0)
    scores = held_out_scores({**held, "z_f": constant})
    assert scores["auc"] == scores["auc_random"] == 0.5
