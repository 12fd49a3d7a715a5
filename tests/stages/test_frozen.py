"""Frozen tables of styles and features: right, and computed once, where the trainer runs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from small_models import ADAM, SPEAKER, face_encoder, fit, make_stage1, prompt_encoder, sampler

from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import load_samples, read_clips
from mmtts.data.face_images import read_crops
from mmtts.data.pairs import FaceSpeechData
from mmtts.losses.contrastive import InfoNCE
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages import clip_tables, frozen
from mmtts.stages.clip_tables import style_table
from mmtts.stages.face_encoder import FaceEncoderStage
from mmtts.stages.frozen import (
    compute_once,
    face_style_table,
    feature_table,
    prompt_table,
    working,
)
from mmtts.storage.model_folder import load_config, load_network, save_model
from mmtts.storage.weights_file import module_hash


@torch.no_grad()
def test_styles_are_those_of_each_clip_alone(prepared: Path, tmp_path: Path) -> None:
    stage1 = make_stage1(tmp_path / "stage1")
    table = style_table(stage1, prepared, ["valid"])
    model = load_network(stage1, load_config(stage1, "speech_tts"), "acoustic_model", AcousticModel)
    clips = read_clips(prepared, "valid")
    assert list(table.ids) == [clip.id for clip in clips]
    for clip, row in zip(clips, table.values, strict=True):
        mel = MelSpectrogram()(torch.from_numpy(load_samples(clip, 16000))[None])
        z = model.encode_style(mel, torch.tensor([mel.shape[1]]))[0]
        np.testing.assert_allclose(row, z.numpy(), atol=1e-4)
        assert np.linalg.norm(row) == pytest.approx(1.0, abs=1e-5)


def test_other_weights_have_another_table(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = style_table(make_stage1(tmp_path / "a", 0), prepared, ["test"])
    other = style_table(make_stage1(tmp_path / "b", 1), prepared, ["test"])
    assert not np.allclose(first.values, other.values)

    def never(*_: object) -> np.ndarray:
        raise AssertionError("computed again")

    monkeypatch.setattr("mmtts.stages.clip_tables._over_clips", never)
    again = style_table(make_stage1(tmp_path / "c", 0), prepared, ["test"])
    assert np.array_equal(first.values, again.values)


@torch.no_grad()
def test_view_0_of_a_face_is_the_crop_itself(prepared: Path) -> None:
    torch.manual_seed(0)
    encoder = face_encoder().train()
    faces = [f"faces/hum-0{k}-happy.png" for k in range(3)]
    table = feature_table(encoder, prepared, faces, views=3)
    assert table.values.shape == (3, 3, 24)
    assert encoder.training  # as it was
    expected = encoder.eval().features(read_crops(prepared, faces))
    np.testing.assert_allclose(table.values[:, 0], expected.numpy(), atol=1e-5)
    assert not np.allclose(table.values[:, 1], table.values[:, 2])
    assert np.array_equal(feature_table(encoder, prepared, faces, views=3).values, table.values)


@torch.no_grad()
def test_face_styles_are_those_of_the_saved_encoder(prepared: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = face_encoder().eval()
    folder = save_model(tmp_path / "model", "face_encoder", {"face_encoder": encoder})
    faces = ["faces/hum-00-happy.png", "faces/hum-01-happy.png"]
    table = face_style_table(folder, prepared, faces)
    assert table.values.shape == (2, SPEAKER)
    np.testing.assert_allclose(
        table.values, encoder(read_crops(prepared, faces)).numpy(), atol=1e-5
    )


def test_the_hash_follows_the_weights() -> None:
    torch.manual_seed(0)
    first, second = face_encoder(), face_encoder()
    assert module_hash(first) != module_hash(second)
    second.load_state_dict(first.state_dict())
    assert module_hash(first) == module_hash(second)


class Place(NamedTuple):
    """Stands in for a trainer's strategy."""

    root_device: torch.device
    is_global_zero: bool
    barrier: Callable[[str], None]


class Moved(torch.Tensor):
    """Stands in for a tensor on a GPU: so is what is computed from it, and numpy cannot read it."""

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.Tensor.numpy:
            raise TypeError("can't convert a tensor of the GPU to numpy")
        result = super().__torch_function__(func, types, args, kwargs or {})
        return result.as_subclass(torch.Tensor) if func is torch.Tensor.cpu else result


@contextmanager
def pretended_gpu() -> Iterator[list[str]]:
    """Lists the networks that move, and those that are given what did not move."""
    log: list[str] = []
    to, change = torch.Tensor.to, torch.nn.Module.to

    def move(x: torch.Tensor, *where: Any, **layout: Any) -> torch.Tensor:
        moved = where and isinstance(where[0], torch.device)
        return x.as_subclass(Moved) if moved else to(x, *where, **layout)

    def move_network(network: torch.nn.Module, *where: Any, **layout: Any) -> torch.nn.Module:
        log.extend(f"{type(network).__name__} to {place.type}" for place in where)
        return network if where else change(network, **layout)

    def watch(network: torch.nn.Module, inputs: tuple) -> None:
        if not isinstance(inputs[0], Moved):
            log.append(f"{type(network).__name__} was given {type(inputs[0]).__name__}")

    hook = torch.nn.modules.module.register_module_forward_pre_hook(watch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Module, "to", move_network)
        patch.setattr(torch.Tensor, "to", move)
        yield log
    hook.remove()


GPU = Place(torch.device("cuda:0"), True, lambda name: None)


def test_tables_are_computed_where_the_trainer_runs(prepared: Path, tmp_path: Path) -> None:
    stage1 = make_stage1(tmp_path / "stage1")
    torch.manual_seed(0)
    stage2 = save_model(tmp_path / "stage2", "face_encoder", {"face_encoder": face_encoder()})
    faces = ["faces/hum-00-happy.png", "faces/hum-01-happy.png"]
    prompts = prompt_encoder()
    prompts.backbone.learn(["a low voice", "a high voice"])
    tables = [
        (partial(style_table, stage1), (["valid"],), ["ClipEncoder"]),
        (partial(feature_table, face_encoder()), (faces, 3), ["SmallFaceNet"]),
        (partial(face_style_table, stage2), (faces,), ["FaceEncoder"]),
        (partial(prompt_table, prompts), (["a low voice"],), ["SmallPromptNet"]),
    ]
    for number, (table, arguments, networks) in enumerate(tables):
        folder = tmp_path / str(number)
        shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("frozen"))
        here = table(folder, *arguments).values
        shutil.rmtree(folder / "frozen")
        with pretended_gpu() as log:
            there = table(folder, *arguments, strategy=GPU).values
        if networks == ["ClipEncoder"]:  # goes where its weights are, which only pretend
            log = [line for line in log if "was given" not in line]
        assert log == [*(f"{name} to cuda" for name in networks), f"{networks[-1]} to cpu"]
        np.testing.assert_allclose(here, there, atol=1e-5)


def test_a_network_is_afterwards_as_it_was() -> None:
    network = face_encoder().train()
    network.backbone.eval()
    with working(network, torch.device("cpu")):
        assert not network.training and not torch.is_grad_enabled()
    assert network.training and network.head.training and not network.backbone.training
    assert torch.is_grad_enabled()


def test_augmented_views_follow_the_seed_alone(prepared: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder, faces = face_encoder(), ["faces/hum-00-happy.png"]
    tables = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("frozen"))
        torch.manual_seed(number)
        state = torch.random.get_rng_state()
        tables.append(feature_table(encoder, folder, faces, views=2, seed=seed).values)
        assert torch.equal(torch.random.get_rng_state(), state)
    assert np.array_equal(tables[0], tables[1])
    assert not np.allclose(tables[0], tables[2])


def test_a_stage_asks_for_its_trainers_device(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def once(strategy: Any, *arguments: Any) -> np.ndarray:
        asked.append(strategy)
        return compute_once(strategy, *arguments)

    for module in (frozen, clip_tables):
        monkeypatch.setattr(module, "compute_once", once)
    stage = FaceEncoderStage(
        face_encoder(), sampler(condition_dim=SPEAKER), RelationalDistillation(mu=0.5), InfoNCE(),
        ADAM, None, str(make_stage1(tmp_path / "stage1")), views=2,
    )  # fmt: skip
    trainer = fit(stage, FaceSpeechData(str(prepared), batch_size=12), tmp_path, steps=1)
    assert asked == [trainer.strategy] * 2
