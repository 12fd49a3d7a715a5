"""Folders that are none, are damaged, or come from someone who means harm."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mmtts import InputError
from mmtts.onnx.folder import GRAPHS, read_config, write_config
from mmtts.onnx.graphs import Graph

VALUES = {
    "style_space": "0" * 64,
    "sample_rate": 16000,
    "n_fft": 1024,
    "hop_length": 256,
    "n_mels": 2,
    "style_dim": 4,
    "refinements": 1,
    "temperature": 0.5,
    "mel_mean": [0.0, 1.0],
    "mel_std": [1.0, 1.0],
    "accents": [],
}


def save_refinement(path: Path, names: tuple[str, ...] = ("spectrum", "mel")) -> onnx.ModelProto:
    """The smallest graph that could pass for a refinement: it adds a weight."""
    sizes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in names]
    weight = numpy_helper.from_array(np.ones(3, np.float32), "weight")
    output = helper.make_tensor_value_info("refined", TensorProto.FLOAT, ["n", 3])
    nodes = [helper.make_node("Add", [names[0], "weight"], ["refined"])]
    graph = helper.make_graph(nodes, "g", sizes, [output], [weight])
    opset = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    path.write_bytes(model.SerializeToString())
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in GRAPHS:
        (tmp_path / f"{name}.onnx").write_bytes(b"graph")
    save_refinement(tmp_path / "refinement.onnx")
    write_config(tmp_path, VALUES)
    return tmp_path


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_is_written_can_be_read(folder: Path) -> None:
    config = read_config(folder)
    assert config.mel_mean == [0.0, 1.0] and config.graphs["flow_step"][0] == 5
    refine = Graph(config, "refinement", threads=1)
    ones = np.ones((2, 3), np.float32)
    [found] = refine(spectrum=ones, mel=ones)
    assert found.tolist() == [[2.0] * 3] * 2


def test_what_is_no_exported_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no exported model; make one with python -m"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 2}')
    with pytest.raises(InputError, match=r"is none of python -m mmtts\.export"):
        read_config(tmp_path)
    (tmp_path / "config.json").write_text("{" * 10**6)
    with pytest.raises(InputError, match="is damaged"):
        read_config(tmp_path)
    (tmp_path / "speech_tts").mkdir()
    with pytest.raises(InputError, match="is a system folder, which needs torch; export it first"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"sample_rate": 10**9}, "sample_rate is 1000000000"),
        ({"n_mels": True}, "n_mels is True"),
        ({"refinements": 1e3}, "refinements is 1000.0"),
        ({"hop_length": 300}, "does not fit hop_length"),
        ({"mel_mean": [0.0]}, "mel_mean is not one finite number for each band"),
        ({"mel_std": [float("nan"), 1.0]}, "mel_std is not one finite number"),
        ({"accents": None}, "is damaged"),
        ({"graphs": {}}, "is damaged"),
        ({"temperature": "warm"}, "is damaged"),
        ({"symbols": ["a"]}, "has other phonemes than this version"),
    ],
)
def test_a_config_that_was_edited_is_refused(
    folder: Path, changes: dict[str, object], sentence: str
) -> None:
    edit(folder, **changes)
    with pytest.raises(InputError, match=sentence):
        read_config(folder)


def open_refinement(folder: Path) -> Graph:
    return Graph(read_config(folder), "refinement", threads=1)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    path = folder / "refinement.onnx"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(InputError, match=r"refinement\.onnx has \d+ bytes instead of \d+; copy"):
        open_refinement(folder)
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match="was damaged since it was written"):
        open_refinement(folder)
    path.unlink()
    with pytest.raises(InputError, match="cannot read"):
        open_refinement(folder)


def test_weights_in_other_files_are_refused(folder: Path) -> None:
    path = folder / "refinement.onnx"
    model = save_refinement(path)
    (folder / "secret").write_bytes(np.ones(3, np.float32).tobytes())
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="secret")
    path.write_bytes(model.SerializeToString())
    write_config(folder, VALUES)
    with pytest.raises(InputError, match="refers to other files, which no exported model does"):
        open_refinement(folder)


def test_files_that_are_no_such_graph_are_refused(folder: Path) -> None:
    path = folder / "refinement.onnx"
    path.write_bytes(b"not a graph at all")
    write_config(folder, VALUES)
    with pytest.raises(InputError, match="is no graph that onnxruntime can run") as error:
        open_refinement(folder)
    assert len(str(error.value).splitlines()) == 1
    save_refinement(path, ("spectrum", "other"))
    write_config(folder, VALUES)
    with pytest.raises(InputError, match="has other inputs or outputs"):
        open_refinement(folder)


def test_sizes_that_do_not_fit_end_in_one_sentence(folder: Path) -> None:
    refine = open_refinement(folder)
    with pytest.raises(InputError, match=r"does not fit its config\.json") as error:
        refine(spectrum=np.ones((1, 5), np.float32), mel=np.ones((1, 3), np.float32))
    assert len(str(error.value).splitlines()) == 1


def test_a_missing_onnxruntime_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(InputError, match="onnxruntime is not installed; pip install onnxruntime"):
        open_refinement(folder)
