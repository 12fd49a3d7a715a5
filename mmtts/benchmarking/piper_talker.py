"""A Piper voice as contestant (package piper-tts 1.3 or newer): its own code and weights."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mmtts.benchmarking.talker import Talker

# By name, because the package is no requirement of this project, nor one of its extras.
piper = importlib.import_module("piper")
onnxruntime = importlib.import_module("onnxruntime")


def load(options: Mapping[str, str], threads: int) -> Talker:
    """Load a voice as ``PiperVoice.load`` does, but with a number of threads.

    Args:
        options: `model`, the .onnx file; its .onnx.json lies beside it.
        threads: CPU threads.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        options["model"], sess_options=settings, providers=["CPUExecutionProvider"]
    )
    text = Path(f"{options['model']}.json").read_text(encoding="utf-8")
    config = piper.PiperConfig.from_dict(json.loads(text))
    voice = piper.PiperVoice(session=session, config=config)

    def stream(text: str, steps: int) -> Iterator[np.ndarray]:
        for chunk in voice.synthesize(text):
            yield chunk.audio_float_array

    return Talker(config.sample_rate, stream)
