"""Kokoro as contestant (package kokoro-onnx): its own code and weights, streamed as it streams."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator, Mapping

import numpy as np

from mmtts.benchmarking.talker import Talker

# By name, because the package is no requirement of this project, nor one of its extras.
kokoro_onnx = importlib.import_module("kokoro_onnx")
onnxruntime = importlib.import_module("onnxruntime")

SAMPLE_RATE = 24000


def load(options: Mapping[str, str], threads: int) -> Talker:
    """Load Kokoro with a number of threads; the first of its voices speaks.

    Args:
        options: `model`, the .onnx file, and `voices`, the .bin file.
        threads: CPU threads.
    """
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        options["model"], sess_options=settings, providers=["CPUExecutionProvider"]
    )
    kokoro = kokoro_onnx.Kokoro.from_session(session, options["voices"])
    voice = kokoro.get_voices()[0]
    loop = asyncio.new_event_loop()

    def stream(text: str, steps: int) -> Iterator[np.ndarray]:
        parts = kokoro.create_stream(text, voice=voice, lang="en-us")
        while True:
            try:
                samples, _ = loop.run_until_complete(anext(parts))
            except StopAsyncIteration:
                return
            yield samples

    return Talker(SAMPLE_RATE, stream)
