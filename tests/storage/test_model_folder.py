"""A model folder is read exactly as it was written, or refused in one sentence."""

import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from mmtts import InputError
from mmtts.storage.atomic import atomic_write
from mmtts.storage.model_config import _canonical, _own_hash
from mmtts.storage.model_folder import (
    check_lineage,
    load_config,
    load_network,
    save_model,
    weights_hash,
)


class Small(nn.Module):
    def __init__(self, width: int = 3, layers: int = 1, names: list[str] | None = None) -> None:
        super().__init__()
        self.config = {"width": width, "layers": layers, "names": names or ["a"]}
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.register_buffer("steps", torch.tensor(7))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    extra = {"mel": {"n_mels": 80}, "speakers": ["é", "b"]}
    return save_model(
        tmp_path / "model",
        "vocoder",
        {"small": Small()},
        extra=extra,
        lineage={"speech_tts": "ab" * 32},
    )


def rewrite(folder: Path, **changes: object) -> None:
    """Change the configuration as a forger would: with a matching hash."""
    content = json.loads((folder / "config.json").read_text())
    content.update(changes)
    content["config_sha256"] = _own_hash(content)
    (folder / "config.json").write_bytes(_canonical(content))


def test_round_trip(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = load_config(folder, "vocoder")
    assert config.networks == {"small": {"width": 3, "layers": 1, "names": ["a"]}}
    assert config.extra == {"mel": {"n_mels": 80}, "speakers": ["é", "b"]}
    assert config.sha256 == weights_hash(folder)
    with caplog.at_level(logging.INFO):
        network = load_network(folder, config, "small", Small)
    assert "loaded 3/3 tensors" in caplog.text
    assert not network.training
    torch.manual_seed(0)
    for key, value in Small().state_dict().items():
        assert torch.equal(network.state_dict()[key], value)


def test_saving_again_replaces_and_leaves_nothing_else(folder: Path) -> None:
    before = weights_hash(folder)
    save_model(folder, "vocoder", {"other": Small(2, 2)})
    assert weights_hash(folder) != before
    assert [p.name for p in folder.parent.iterdir()] == ["model"]
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "other.safetensors"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="no model folder"):
        save_model(tmp_path, "vocoder", {"small": Small()})
    with pytest.raises(InputError, match="a file has that name"):
        save_model(tmp_path / "thesis.tex", "vocoder", {"small": Small()})
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    network = Small()
    network.layers[0].bias.data[1] = float("nan")
    with pytest.raises(InputError, match=r"small\.layers\.0\.bias holds NaN"):
        save_model(tmp_path / "m", "vocoder", {"small": network})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "extra"),
    [("../evil", {}), ("a/b", {}), ("", {}), ("small", {"kind": "x"}), ("small", {"x": object()})],
)
def test_unusable_names_and_values_are_a_programming_error(
    tmp_path: Path, name: str, extra: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        save_model(tmp_path / "m", "vocoder", {name: Small()}, extra=extra)
    assert not (tmp_path / "m").exists()


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255), which=st.booleans())
def test_any_changed_byte_is_noticed(folder: Path, where: float, mask: int, which: bool) -> None:
    path = folder / ("config.json" if which else "small.safetensors")
    good = path.read_bytes()
    position = int(where * len(good))
    path.write_bytes(good[:position] + bytes([good[position] ^ mask]) + good[position + 1 :])
    try:
        with pytest.raises(InputError):
            load_config(folder, "vocoder")
    finally:
        path.write_bytes(good)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(keep=st.floats(0, 1, exclude_max=True), which=st.booleans())
def test_any_truncation_is_noticed(folder: Path, keep: float, which: bool) -> None:
    path = folder / ("config.json" if which else "small.safetensors")
    good = path.read_bytes()
    path.write_bytes(good[: int(keep * len(good))])
    try:
        with pytest.raises(InputError):
            load_config(folder, "vocoder")
    finally:
        path.write_bytes(good)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(
    max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    key=st.sampled_from(["format", "kind", "networks", "lineage", "weights_sha256"]),
    value=json_values,
)
def test_a_forged_configuration_never_crashes(folder: Path, key: str, value: object) -> None:
    good = (folder / "config.json").read_bytes()
    content = {**json.loads(good), key: value}
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    (folder / "config.json").write_bytes(text)
    try:
        with pytest.raises(InputError):
            load_config(folder, "vocoder")
    finally:
        (folder / "config.json").write_bytes(good)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"a": NaN}', "[" * 100_000, "9" * 5000, '{"model_type": "bert"}'],
)
def test_foreign_configurations_are_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json"):
        load_config(folder, "vocoder")


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ({"../../etc/passwd": {}}, "no usable network"),
        ({"small": {"a": [{"pretrained": "some/where"}]}}, "weights from elsewhere"),
        ({"small": {"width": 10**9}}, "beyond any sensible size"),
        ({"small": {"width": 1e300}}, "beyond any sensible size"),
        ({"small": {"width": 9_000_000}}, "far more than"),
        ({"small": {"layers": 9_000_000, "width": 1000}}, "far more than"),
        ({"small": {"width": "3"}}, "does not describe a Small"),
        ({"small": {"depth": 3}}, "does not describe a Small"),
        ({"small": {"width": 4}}, r"is torch.float32 \(3,\), but .* \(4,\)"),
        ({"small": {"layers": 2}}, "lacks the tensor"),
        ({"small": {"layers": 0}}, "unknown tensor"),
    ],
)
def test_forged_sizes_are_refused(folder: Path, networks: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):  # noqa: PT012  either step may notice
        rewrite(folder, networks=networks)
        config = load_config(folder, "vocoder")
        load_network(folder, config, "small", Small)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t | {"steps": torch.tensor(7.0)}, "steps is torch.float32"),
        (lambda t: t | {"layers.0.bias": torch.full((3,), torch.inf)}, "NaN or infinite"),
        (lambda t: t | {"layers.0.bias": torch.zeros(2)}, r"\(2,\)"),
        (lambda t: t | {"more": torch.zeros(2)}, "unknown tensor more"),
    ],
)
def test_forged_weights_are_refused(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], message: str
) -> None:
    path = folder / "small.safetensors"
    save_file(change(load_file(path)), path)
    rewrite(folder, weights_sha256=weights_hash(folder))
    with pytest.raises(InputError, match=message):
        load_network(folder, load_config(folder, "vocoder"), "small", Small)


def test_garbage_with_a_matching_hash_is_refused(folder: Path) -> None:
    (folder / "small.safetensors").write_bytes(b"\xff" * 1000)
    rewrite(folder, weights_sha256=weights_hash(folder))
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_network(folder, load_config(folder, "vocoder"), "small", Small)


def test_wrong_places_are_named_with_a_hint(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a vocoder model, but a speech_tts model is needed"):
        load_config(folder, "speech_tts")
    with pytest.raises(InputError, match="no model folder"):
        load_config(tmp_path / "absent", "vocoder")
    with pytest.raises(InputError, match=r"no config\.json"):
        load_config(folder.parent.parent, "vocoder")
    with pytest.raises(InputError, match="only small"):
        load_network(folder, load_config(folder, "vocoder"), "large", Small)
    shutil.copytree(folder, tmp_path / "run" / "model")
    with pytest.raises(InputError, match="is a run folder; use"):
        load_config(tmp_path / "run", "vocoder")
    shutil.copytree(folder, tmp_path / "system" / "speech_tts")
    with pytest.raises(InputError, match="whole system"):
        load_config(tmp_path / "system", "vocoder")
    (folder / "small.safetensors").unlink()
    with pytest.raises(InputError, match=r"small\.safetensors is missing"):
        load_config(folder, "vocoder")


def test_lineage(folder: Path) -> None:
    config = load_config(folder, "vocoder")
    check_lineage(config, "ab" * 32)
    with pytest.raises(InputError, match="stage-1 weights abababababab, not cdcdcdcdcdcd"):
        check_lineage(config, "cd" * 32)
    with pytest.raises(InputError, match="does not say"):
        check_lineage(config._replace(lineage={}), "ab" * 32)


def test_atomic_write_moves_only_what_succeeded(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.wav"
    with atomic_write(target) as path:
        path.write_text("one")
        assert path.suffix == ".wav"
        assert path.parent == target.parent
        assert not target.exists()
    with pytest.raises(RuntimeError), atomic_write(target) as path:  # noqa: PT012
        path.write_text("half")
        raise RuntimeError
    assert target.read_text() == "one"
    assert [p.name for p in target.parent.iterdir()] == ["a.wav"]


def test_atomic_write_refuses_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for bad in (tmp_path, tmp_path / "file" / "below", Path(os.devnull)):
        with pytest.raises(InputError, match="cannot write"), atomic_write(bad) as path:
            path.write_text("x")


def test_atomic_write_reports_a_full_disk(tmp_path: Path) -> None:
    with (  # noqa: PT012
        pytest.raises(InputError, match="No space left on device"),
        atomic_write(tmp_path / "a") as path,
    ):
        path.symlink_to("/dev/full")
        path.write_text("x" * 100_000)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_an_earlier_version_is_refused_in_one_sentence(folder: Path) -> None:
    rewrite(folder, format=1)
    with pytest.raises(InputError, match=r"written by mmtts 0\.1\.0; train this model again"):
        load_config(folder, "vocoder")
    rewrite(folder, format=3)
    with pytest.raises(InputError, match="has format 3, this version reads format 2"):
        load_config(folder, "vocoder")
