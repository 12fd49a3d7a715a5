"""The folder that `mmtts.export` writes: graphs, voices, and a `config.json` of plain values.

models/lab_onnx/config.json
models/lab_onnx/text_encoder.onnx, frame_prior.onnx, flow_step.onnx
models/lab_onnx/excitation.onnx, vocoder.onnx, refinement.onnx
models/lab_onnx/voices/anna.safetensors
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mmtts import InputError
from mmtts.text import make_front_end

FORMAT = "mmtts-onnx-2"
MAX_CONFIG_BYTES = 2**20
MAX_GRAPH_BYTES = 2**31 - 1  # no protobuf is larger

FLOW = "flow_step"  # the graph that a model without a flow decoder has not
# The inputs and outputs of the graphs, in their order.
GRAPHS = {
    "text_encoder": (
        ("phonemes", "phoneme_lens", "style", "accents", "pace"),
        ("durations", "hidden", "prior", "z"),
    ),
    "frame_prior": (("durations", "hidden", "prior", "z", "path"), ("expected",)),
    FLOW: (("x", "prior", "t", "z", "mel_lens"), ("velocity",)),
    "excitation": (("mel",), ("pulses", "noise", "pitch", "voiced")),
    "vocoder": (("mel", "pulses", "noise", "pitch", "voiced"), ("spectrum",)),
    "refinement": (("spectrum", "mel"), ("refined",)),
}
# Smallest and largest sensible value of each whole number in the config.
_NUMBERS = {
    "sample_rate": (16000, 192000),
    "n_fft": (64, 2**15),
    "hop_length": (16, 2**13),
    "n_mels": (1, 1024),
    "style_dim": (2, 4096),
    "refinements": (0, 100),
}


class OnnxConfig(NamedTuple):
    """What a folder says about its graphs, checked.

    Attributes:
        folder: Where it was read from.
        style_space: Weights hash of the stage-1 model whose voices it speaks with.
        sample_rate: In Hz.
        n_fft: Of the vocoder's transform, in samples.
        hop_length: Samples between frames.
        n_mels: M.
        style_dim: Numbers of a voice.
        refinements: Rounds of the vocoder's refinement.
        temperature: Standard deviation of the noise that speech starts from.
        contrast: Of a prior that is spoken by itself.
        mel_mean: Of each band, M numbers.
        mel_std: Of each band, M numbers.
        accents: Kinds of speech that it tells apart; the first one is spoken.
        graphs: Size in bytes and SHA-256 of each file.
        text: The config of the front end, see `make_front_end`.
    """

    folder: Path
    style_space: str
    sample_rate: int
    n_fft: int
    hop_length: int
    n_mels: int
    style_dim: int
    refinements: int
    temperature: float
    contrast: float
    mel_mean: list[float]
    mel_std: list[float]
    accents: list[str]
    graphs: dict[str, tuple[int, str]]
    text: dict[str, str]


def write_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write `config.json` beside the graphs that lie in a folder, and check it.

    Args:
        folder: Holds a file for each of `GRAPHS`, `FLOW` where there is one.
        values: The fields of `OnnxConfig`, without folder and graphs; more for people to read.
    """
    graphs = {}
    for name in GRAPHS:
        if name == FLOW and not (folder / f"{name}.onnx").exists():
            continue
        content = (folder / f"{name}.onnx").read_bytes()
        graphs[name] = [len(content), hashlib.sha256(content).hexdigest()]
    symbols = list(make_front_end(values.get("text")).symbols)
    content_ = {"format": FORMAT, **values, "symbols": symbols, "graphs": graphs}
    text = json.dumps(content_, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (folder / "config.json").write_text(f"{text}\n", encoding="utf-8")
    read_config(folder)


def is_exported(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder looks like one that `mmtts.export` wrote."""
    return all((Path(folder) / f"{name}.onnx").is_file() for name in GRAPHS if name != FLOW)


def read_config(folder: str | os.PathLike[str]) -> OnnxConfig:
    """Read and check what a folder says about its graphs.

    Raises:
        InputError: There is no such folder, it is no exported one, or its config is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; check the path, or export a model first")
    if (folder / "speech_tts").is_dir():
        raise InputError(
            f"{folder} is a system folder, which needs torch; export it first with "
            "python -m mmtts.export"
        )
    path = folder / "config.json"
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"{folder} holds no exported model; make one with python -m mmtts.export"
        ) from error
    try:
        content = json.loads(raw) if len(raw) <= MAX_CONFIG_BYTES else None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error!s:.200}; export the model again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} is none of python -m mmtts.export; name a folder that it wrote")
    front_end = make_front_end(content.get("text"))
    if content.get("symbols") != list(front_end.symbols):
        raise InputError(f"{path} has other phonemes than this version; export the model again")
    try:
        return _checked(folder, content, front_end.config)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {error!s:.200}; export the model again") from error


def _checked(folder: Path, content: Mapping[str, Any], text: dict[str, str]) -> OnnxConfig:
    """Take over the known fields; any error tells that one is absent or of another kind."""
    for name, (low, high) in _NUMBERS.items():
        value = content[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{name} is {value!r:.40}")
    if (
        content["n_fft"] % (2 * content["hop_length"])
        or content["n_fft"] < 4 * content["hop_length"]
    ):
        raise ValueError(f"n_fft {content['n_fft']} does not fit hop_length")
    mel_mean, mel_std = ([float(n) for n in content[name]] for name in ("mel_mean", "mel_std"))
    for name, values in (("mel_mean", mel_mean), ("mel_std", mel_std)):
        if len(values) != content["n_mels"] or not all(map(math.isfinite, values)):
            raise ValueError(f"{name} is not one finite number for each band")
    graphs = {
        name: (int(content["graphs"][name][0]), str(content["graphs"][name][1]))
        for name in GRAPHS
        if name != FLOW or name in content["graphs"]
    }
    return OnnxConfig(
        folder=folder,
        style_space=str(content["style_space"]),
        temperature=float(content["temperature"]),
        contrast=float(content.get("contrast", 1.0)),
        accents=[str(name) for name in content["accents"]],
        graphs=graphs,
        text=text,
        mel_mean=mel_mean,
        mel_std=mel_std,
        **{name: content[name] for name in _NUMBERS},
    )
