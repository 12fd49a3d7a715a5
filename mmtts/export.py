"""Write a system as ONNX graphs: ``python -m mmtts.export model=FOLDER out=FOLDER``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts import InputError
from mmtts.command.hydra_command import run_hydra, typed_words
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from omegaconf import DictConfig

logger = logging.getLogger(__name__)

HELP = """usage: python -m mmtts.export [model=FOLDER] out=FOLDER [key=value ...]

  model=FOLDER          system folder or hub id [$MMTTS_MODEL, or the package's]
  out=FOLDER            folder to write: ONNX graphs, config.json, ready voices
  voices=FILE,...       voices saved by mmtts --save-voice, kept by the names of the files
  int8=true             8-bit matrices: smaller, faster, not equal to torch [false]
  --cfg job             print the config and stop
  --debug               show tracebacks

examples
  python -m mmtts.export model=models/lab out=models/lab_onnx voices=anna.safetensors
  python -m mmtts.onnx "Hello, world." --model models/lab_onnx --voice anna -o hello.wav
"""


@one_sentence
def main() -> None:
    """Read the command line and export."""
    wait_briefly()
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(HELP, end="")
        return
    run_hydra(export, export_words(words), "export")


def export_words(words: Sequence[str]) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, paths in quotes."""
    # model=... would choose a file in conf/model
    return typed_words(words, {"model": "system"}, ("voices",), ("voices", "system", "out"))


def export(config: DictConfig) -> None:
    """Write a system as ONNX graphs.

    Args:
        config: ``conf/export.yaml``.

    Raises:
        InputError: A folder, a voice or a value cannot be used.
    """
    from omegaconf import OmegaConf

    if OmegaConf.is_missing(config, "out"):
        raise InputError("say out=FOLDER; --help shows an example")
    if not isinstance(config.int8, bool):
        raise InputError(f"int8 must be true or false, not {config.int8}")

    from mmtts.exporting.onnx_folder import export_system
    from mmtts.synthesis.system_folder import SystemFolder, default_model

    system = SystemFolder(config.system or default_model(), "cpu")
    voices = [Path(str(path)) for path in config.voices]
    logger.info("wrote %s", export_system(system, Path(config.out), voices, config.int8))


if __name__ == "__main__":
    main()
