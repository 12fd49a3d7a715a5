"""A system folder as contestant: the synthesizer as everyone uses it, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from mmtts.benchmarking.talker import Talker
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.voice import Voice


def load(options: Mapping[str, str], threads: int) -> Talker:
    """Load a system and a saved voice.

    Args:
        options: `folder` of the system and `voice`, a file.
        threads: CPU threads.

    Raises:
        InputError: One of them cannot be used.
    """
    synthesizer = Synthesizer.from_pretrained(options["folder"], "cpu", threads)
    voice = Voice.load(options["voice"])

    def stream(text: str, steps: int) -> Iterator[np.ndarray]:
        for part in synthesizer.stream(text, voice, steps=steps):
            yield part.samples

    return Talker(synthesizer.sample_rate, stream)
