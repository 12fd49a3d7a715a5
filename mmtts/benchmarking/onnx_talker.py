"""An exported system as contestant: the same networks in onnxruntime, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mmtts.benchmarking.talker import Talker
from mmtts.onnx.synthesizer import OnnxSynthesizer


def load(options: Mapping[str, str], threads: int) -> Talker:
    """Load an exported system and a saved voice.

    Args:
        options: `folder` that `mmtts.export` wrote and `voice`, a file.
        threads: CPU threads.

    Raises:
        InputError: One of them cannot be used.
    """
    synthesizer = OnnxSynthesizer.from_folder(options["folder"], threads)
    voice = synthesizer.load_voice(options["voice"])

    def stream(text: str, steps: int) -> Iterator[np.ndarray]:
        for part in synthesizer.stream(text, voice, steps=steps):
            yield part.samples

    return Talker(synthesizer.sample_rate, stream)
