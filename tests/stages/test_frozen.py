"""Frozen tables of styles and features: right, and computed once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import DIM, face_encoder, make_stage1

from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import load_samples, read_clips
from mmtts.data.face_images import read_crops
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.frozen import face_style_table, feature_table, module_hash, style_table
from mmtts.storage.model_folder import load_config, load_network, save_model


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

    monkeypatch.setattr("mmtts.stages.frozen.encode_clips", never)
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
    assert table.values.shape == (2, DIM)
    np.testing.assert_allclose(
        table.values, encoder(read_crops(prepared, faces)).numpy(), atol=1e-5
    )


def test_the_hash_follows_the_weights() -> None:
    torch.manual_seed(0)
    first, second = face_encoder(), face_encoder()
    assert module_hash(first) != module_hash(second)
    second.load_state_dict(first.state_dict())
    assert module_hash(first) == module_hash(second)
