"""Writing a system as ONNX graphs: the folder that `mmtts.onnx` reads."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError, __version__
from mmtts.exporting.int8 import QUANTIZED, quantize
from mmtts.exporting.pieces import example_inputs, make_pieces
from mmtts.networks.acoustic_model import TEMPERATURE
from mmtts.networks.vocoder import Vocoder
from mmtts.onnx.folder import FORMAT, GRAPHS, read_config, write_config
from mmtts.storage.atomic import replace_folder
from mmtts.synthesis.ready_voices import FOLDER, find_voices
from mmtts.synthesis.system_folder import Speaker, SystemFolder
from mmtts.synthesis.voice import Voice

OPSET = 18
ROWS, LENGTH = 0, 1  # axes of the inputs whose size is free

logger = logging.getLogger(__name__)


def export_system(
    system: SystemFolder, out: Path, voices: Sequence[Path] = (), int8: bool = False
) -> Path:
    """Write a system as ONNX graphs, with its ready voices.

    Args:
        system: The system, on the CPU.
        out: The folder to write; an earlier exported model there is replaced in one step.
        voices: Files of saved voices that become ready voices, under the names of the files.
        int8: Store and multiply the large matrices with 8 bits: smaller and faster, not equal.

    Returns:
        The folder.

    Raises:
        InputError: A package is missing, the system has no vocoder, a voice is of another system,
            or `out` holds something else.
    """
    out = Path(out).absolute()
    _require_packages()
    _refuse_foreign(out)
    kept = _find_all_voices(system, voices)
    speaker = system.speaker()
    vocoder = speaker.vocoder
    if not isinstance(vocoder, Vocoder):
        raise InputError(f"{system.folder} has no vocoder; train one and bundle it first")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        (temporary / FOLDER).mkdir(parents=True)
        facts = _facts(speaker, int8)
        for name, piece in make_pieces(speaker, vocoder).items():
            path = temporary / f"{name}.onnx"
            write_graph(path, name, piece, example_inputs(speaker)[name], facts)
            if int8 and name in QUANTIZED:
                quantize(path)
            logger.info("%s.onnx: %.1f MB", name, path.stat().st_size / 1e6)
        for name, file in kept.items():
            shutil.copyfile(file, temporary / FOLDER / f"{name}.safetensors")
        write_config(temporary, _config(system, speaker, vocoder, int8))
        replace_folder(temporary, out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def write_graph(
    path: Path, name: str, piece: nn.Module, inputs: Mapping[str, Tensor], facts: Mapping[str, str]
) -> None:
    """Trace one piece with free numbers of rows and lengths, and write its graph.

    Args:
        path: The `.onnx` file.
        name: One of `GRAPHS`.
        piece: What to trace.
        inputs: Examples of its inputs.
        facts: Metadata of the file.
    """
    import onnx

    auto = torch.export.Dim.DYNAMIC
    shapes = {
        key: {ROWS: auto, LENGTH: auto} if _has_length(name, key) else {ROWS: auto}
        for key in inputs
    }
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            piece.eval(),
            kwargs=dict(inputs),
            dynamic_shapes=shapes,
            input_names=list(GRAPHS[name][0]),
            output_names=list(GRAPHS[name][1]),
            opset_version=OPSET,
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _strip(model.graph)
    model.producer_name, model.producer_version = "mmtts", __version__
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _has_length(graph: str, name: str) -> bool:
    """Tell whether the second axis of an input is phonemes or frames."""
    return name not in ("phoneme_lens", "mel_lens", "style", "accents", "z", "t")


def _strip(graph: Any) -> None:
    """Leave out where each node was made, and shapes in between, which quantizing would change."""
    del graph.value_info[:], graph.metadata_props[:]
    for item in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del item.metadata_props[:]
        item.doc_string = ""


def _facts(speaker: Speaker, int8: bool) -> dict[str, str]:
    """What other programs look for in the metadata of a file, under sherpa-onnx's names.

    sherpa-onnx has no kind of model that takes a style, so it can tell what this is, not run it.
    """
    mel = speaker.mel
    values: dict[str, Any] = {
        "model_type": "mmtts",
        "version": 1,
        "language": speaker.front_end.name,
        "sample_rate": mel.sample_rate,
        "n_speakers": 0,  # a vector tells who speaks, not a number
        "style_dim": speaker.acoustic_model.config["style_dim"],
        "add_blank": 0,
        "pad_id": 0,
        "has_espeak": int(speaker.front_end.config["front_end"] == "espeak"),
        "num_ode_steps": 4,
        "num_mels": mel.n_mels,
        "n_fft": mel.n_fft,
        "hop_length": mel.hop_length,
        "win_length": mel.n_fft,
        "window_length": mel.n_fft,
        "window_type": "hann",
        "center": 1,
        "pad_mode": "constant",
        "normalized": 0,
        "int8": int(int8),
        "comment": FORMAT,
    }
    return {key: str(value) for key, value in values.items()}


def _config(system: SystemFolder, speaker: Speaker, vocoder: Vocoder, int8: bool) -> dict[str, Any]:
    """What `mmtts.onnx` needs to know beside the graphs."""
    model, mel = speaker.acoustic_model, speaker.mel
    return {
        "style_space": system.config.style_space,
        "style_dim": model.config["style_dim"],
        "accents": list(model.config["accents"]),
        "text": speaker.front_end.config,
        "temperature": TEMPERATURE,
        "contrast": speaker.acoustic_model.config["contrast"],
        "mel_mean": model.mel_mean.tolist(),
        "mel_std": model.mel_std.tolist(),
        "refinements": vocoder.refinements,
        "int8": int8,
        "mmtts": __version__,
        **mel.config,
    }


def _find_all_voices(system: SystemFolder, saved: Sequence[Path]) -> dict[str, Path]:
    """Files of the ready voices and of saved ones, by name, all of this system's space."""
    found = dict(find_voices(system.folder))
    for path in map(Path, saved):
        if path.stem in found:
            raise InputError(f"two voices have the name {path.stem!r}; rename {path}")
        found[path.stem] = path
    dim = system.config.networks["acoustic_model"].get("style_dim", 256)
    for path in found.values():
        Voice.load(path).require_space(system.config.style_space, dim)
    return found


def _require_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise InputError(f"{error.name} is not installed; pip install 'mmtts[onnx]'") from error


def _refuse_foreign(out: Path) -> None:
    """Protect what is not ours."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        try:
            read_config(out)
        except InputError as error:
            raise InputError(
                f"will not replace {out}: it is no exported model; choose another out="
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's notes about its own workings from the user."""
    exporters = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [exporter.level for exporter in exporters]
    for exporter in exporters:
        exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for exporter, level in zip(exporters, levels, strict=True):
            exporter.setLevel(level)
