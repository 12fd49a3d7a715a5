"""Stage 3 on the small prepared folder: its seam, its targets, its ablations."""

import csv
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from leveled_folder import make_leveled_folder
from omegaconf import OmegaConf
from small_models import (
    ADAM,
    DIM,
    PROMPT_NET,
    SPEAKER,
    face_encoder,
    fit,
    make_stage1,
    prompt_encoder,
    sampler,
)

from mmtts import InputError
from mmtts.command.hydra_command import CONFIG_DIR
from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.pair_tables import read_prompts
from mmtts.data.prompt_pairs import PromptData
from mmtts.data.qualities import QUALITIES
from mmtts.losses.contrastive import InfoNCE
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.stages.prompt_encoder import PromptEncoderStage
from mmtts.storage.model_folder import load_config, load_network, save_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Model folders of stages 1 and 2 that belong together."""
    folder = tmp_path_factory.mktemp("models")
    stage1 = make_stage1(folder / "stage1")
    torch.manual_seed(0)
    networks = {"face_encoder": face_encoder(), "style_sampler": sampler(condition_dim=SPEAKER)}
    lineage = {"speech_tts": load_config(stage1, "speech_tts").sha256}
    return stage1, save_model(folder / "stage2", "face_encoder", networks, lineage=lineage)


def make(folders: tuple[Path, Path], **options: Any) -> PromptEncoderStage:
    torch.manual_seed(0)
    arguments: dict[str, Any] = {
        "prompt_encoder": prompt_encoder(),
        "style_sampler": sampler(),
        "contrast": InfoNCE(),
        "optimizer": ADAM,
        "scheduler": None,
        "stage1": str(folders[0]),
        "stage2": str(folders[1]),
        **options,
    }
    return PromptEncoderStage(**arguments)


def data(prepared: Path, **options: Any) -> PromptData:
    return PromptData(str(prepared), batch_size=12, epoch_pairs=96, seed=1, **options)


@pytest.fixture(scope="module")
def trained(
    folders: tuple[Path, Path], prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> PromptEncoderStage:
    stage = make(folders)
    fit(stage, data(prepared), tmp_path_factory.mktemp("run"), steps=60)
    return stage


@pytest.mark.slow
def test_prompts_are_understood(trained: PromptEncoderStage) -> None:
    metrics = trained.trainer.callback_metrics
    assert metrics["train/speech_attribute"] < 1.0  # about 1.5 at first
    watched = {"gender", "ceiling_gender", "diversity", "loss", "speech_contrast", "face_sampler"}
    assert {f"valid/{name}" for name in watched} <= set(metrics)


@pytest.mark.slow
def test_stage_2_is_frozen_in_all_four_ways(
    trained: PromptEncoderStage, folders: tuple[Path, Path]
) -> None:
    law = trained.face_sampler
    assert law is not None and not any(p.requires_grad for p in law.parameters())
    trained.train()
    assert not any(module.training for module in law.modules())
    groups = trained.optimizers().optimizer.param_groups
    optimized = {id(p) for group in groups for p in group["params"]}
    assert not optimized & {id(p) for p in law.parameters()}
    config = load_config(folders[1], "face_encoder")
    saved = load_network(folders[1], config, "style_sampler", type(law)).state_dict()
    assert all(torch.equal(value, saved[key]) for key, value in law.state_dict().items())
    batch = next(b for b in trained.trainer.datamodule.val_dataloader() if b.modality == "face")
    styles, usable = trained._target(batch)
    assert not styles.requires_grad
    assert trained.gender_judge is not None
    assert not trained.gender_judge.contradicts(styles, batch.item_attributes)[usable].any()


@pytest.mark.slow
def test_export_keeps_words_and_lineage(
    trained: PromptEncoderStage, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = trained.export(tmp_path / "model")
    config = load_config(folder, "prompt_encoder")
    assert config.lineage == {
        "speech_tts": load_config(folders[0], "speech_tts").sha256,
        "face_encoder": load_config(folders[1], "face_encoder").sha256,
    }
    encoder = load_network(folder, config, "prompt_encoder", PromptEncoder)
    prompts = ["A woman speaks with a high voice.", "An old man."]
    trained.eval()
    own = trained.prompt_encoder
    torch.testing.assert_close(encoder(encoder.tokenize(prompts)), own(own.tokenize(prompts)))


@pytest.mark.slow
def test_pictures_and_draws(trained: PromptEncoderStage) -> None:
    batch = next(iter(trained.trainer.datamodule.val_dataloader()))
    assert trained.pictures(batch)["style_space"].shape[2] == 3
    given, again = (trained.voices(["A man.", "A woman."], 3) for _ in range(2))
    assert given["draws"].shape == (2, 3, 16) and given["mean"].shape == (2, 16)
    assert all((given[name] == again[name]).all() for name in given)


@pytest.mark.slow
def test_what_test_prompts_are_given_is_kept(trained: PromptEncoderStage, prepared: Path) -> None:
    pairs = read_prompts(prepared, "test", "speech")
    prompts, clips = sorted(set(pairs.prompts)), set(pairs.items)
    with np.load(Path(trained.trainer.default_root_dir) / "held_out.npz") as held:
        assert held["prompt"].tolist() == prompts
        assert held["draws"].shape == (len(prompts), 4, 16)
        assert held["heard_draws"].shape == (len(prompts), 4, 6 + len(QUALITIES))
        assert (
            held["heard_mean"].shape == held["claims"].shape == (len(prompts), 6 + len(QUALITIES))
        )
        assert len(held["facts"]) == len(held["heard_clips"]) == len(clips)


def test_a_stage_2_of_another_stage_1_is_refused(
    folders: tuple[Path, Path], prepared: Path, tmp_path: Path
) -> None:
    other = make_stage1(tmp_path / "other", seed=1)
    with pytest.raises(InputError, match="was trained with the stage-1 weights"):
        fit(make((other, folders[1])), data(prepared), tmp_path, steps=1)
    with pytest.raises(InputError, match="need stage2=FOLDER"):
        fit(make(folders, stage2=None), data(prepared), tmp_path, steps=1)


def test_ablations_run(folders: tuple[Path, Path], prepared: Path, tmp_path: Path) -> None:
    speech = make(folders, stage2=None, style_sampler=sampler("point"), train_backbone=False)
    fit(speech, data(prepared, modalities=["speech"]), tmp_path, steps=2)
    assert speech.trainer.callback_metrics["valid/diversity"] == pytest.approx(0.0, abs=1e-5)
    face = make(folders, face_target="mean", contrast_weight=0.0)
    fit(face, data(prepared, modalities=["face"]), tmp_path, steps=2)
    assert face.face_sampler is not None
    logged = set(face.trainer.callback_metrics)
    assert "train/face_sampler" in logged and "train/face_contrast" not in logged
    with pytest.raises(InputError, match="face_target must be one of"):
        make(folders, face_target="median")


def test_the_vocabulary_survives_a_checkpoint(folders: tuple[Path, Path]) -> None:
    first, second = make(folders).eval(), make(folders).eval()  # training splits words at random
    first.prompt_encoder.backbone.learn(["unusual words"])
    checkpoint: dict[str, Any] = {}
    first.on_save_checkpoint(checkpoint)
    second.on_load_checkpoint(checkpoint)
    tokens = second.prompt_encoder.tokenize(["unusual"])
    assert torch.equal(tokens, first.prompt_encoder.tokenize(["unusual"]))


@pytest.mark.slow
def test_quiet_and_loud_prompts_are_told_apart(
    folders: tuple[Path, Path], prepared: Path, tmp_path: Path
) -> None:
    leveled = make_leveled_folder(prepared, tmp_path / "leveled")
    torch.manual_seed(0)
    options = {"style_dim": DIM, "width": 16, "dropout": 0.0}
    encoder = PromptEncoder(
        "SmallPromptNet", {**PROMPT_NET, "dropout": 0.0, "split": 0.0}, **options
    )
    stage = make(
        folders,
        prompt_encoder=encoder,
        optimizer=partial(torch.optim.AdamW, lr=1e-2),
        stage2=None,
        loudness_weight=1.0,
        word_dropout=0.0,
    )
    fit(stage, data(leveled, modalities=["speech"]), tmp_path, steps=100)
    metrics = stage.trainer.callback_metrics
    assert metrics["valid/energy"] >= 0.5  # of sentences not in training; 0 at one level
    assert metrics["valid/loudness_error"] < 3.0  # 4.7 when all are spoken at 0 dB
    assert "valid/ceiling_energy" not in metrics
    stage.eval()
    texts = ["A man speaks quietly.", "The voice of a man.", "A woman speaks loudly."]
    quiet, silent, loud = encoder.loudness(encoder(encoder.tokenize(texts))).tolist()
    assert quiet < -3.0 < silent < 3.0 < loud
    folder = stage.export(tmp_path / "model")
    again = load_network(
        folder, load_config(folder, "prompt_encoder"), "prompt_encoder", PromptEncoder
    )
    assert again.loudness(again(again.tokenize(texts))).tolist() == pytest.approx(
        [quiet, silent, loud], abs=1e-3
    )


def test_a_folder_without_levels_is_named(
    folders: tuple[Path, Path], prepared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = data(prepared)
    source.setup("fit")
    assert "no prompt will make a voice quiet or loud" in caplog.text


def make_heard_folder(prepared: Path, folder: Path) -> Path:
    """Copy the folder; men are known to sound full, women not to, and prompts say so."""
    shutil.copytree(prepared, folder)
    for path in (folder / "pairs").glob("prompt_speech_*.csv"):
        rows = list(csv.DictReader(path.open(newline="")))
        heard = [
            {**row, "qualities": "", "item_qualities": "full" if man else "-full"}
            for row in rows
            for man in [row["item_gender"] == "male"]
        ]
        for row in rows:
            said = {"qualities": "full", "item_qualities": "full", "item_gender": "male"}
            silent = {name: "" for name in row if name in ATTRIBUTES}
            if row["item_gender"] == "male" and row["item_age"] != "child":
                heard.append({**row, **silent, **said, "prompt": "It sounds full."})
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, heard[0])
            writer.writeheader()
            writer.writerows(heard)
    return folder


@pytest.mark.slow
def test_a_voice_quality_is_learned_from_words_and_from_who_has_it(
    folders: tuple[Path, Path], prepared: Path, tmp_path: Path
) -> None:
    heard = make_heard_folder(prepared, tmp_path / "heard")
    torch.manual_seed(0)
    options = {"style_dim": DIM, "width": 16, "dropout": 0.0, "quality_count": len(QUALITIES)}
    encoder = PromptEncoder(
        "SmallPromptNet", {**PROMPT_NET, "dropout": 0.0, "split": 0.0}, **options
    )
    stage = make(
        folders,
        prompt_encoder=encoder,
        optimizer=partial(torch.optim.AdamW, lr=1e-2),
        stage2=None,
        quality_weight=1.0,
        word_dropout=0.0,
    )
    fit(stage, data(heard, modalities=["speech"]), tmp_path, steps=60)
    metrics = stage.trainer.callback_metrics
    assert metrics["valid/speech_quality"] < 0.3  # 0.69 at first
    watched = {"quality", "ceiling_quality", "quality_elsewhere"}
    assert {f"valid/{name}" for name in watched} <= set(metrics)
    stage.eval()
    z_p = encoder(encoder.tokenize(["It sounds full.", "The voice of an elderly woman."]))
    full = encoder.quality_logits(z_p)[:, QUALITIES.index("full")].sigmoid().tolist()
    assert full[0] > 0.8 and full[0] > full[1]  # the other prompt does not say


def test_the_heads_must_know_all_voice_qualities(folders: tuple[Path, Path]) -> None:
    config = OmegaConf.load(CONFIG_DIR / "model" / "prompt_encoder.yaml")
    assert config.prompt_encoder.quality_count == len(QUALITIES)
    encoder = PromptEncoder("SmallPromptNet", PROMPT_NET, style_dim=DIM, width=16, quality_count=2)
    with pytest.raises(InputError, match=f"must be 0 or {len(QUALITIES)}"):
        make(folders, prompt_encoder=encoder)
