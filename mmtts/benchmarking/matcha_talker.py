"""Matcha-TTS and HiFi-GAN of the published sizes as contestant, with random weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch

from mmtts.benchmarking.matcha.hifi_gan import HifiGan
from mmtts.benchmarking.matcha.model import SAMPLE_RATE, MatchaTTS
from mmtts.benchmarking.talker import Talker
from mmtts.text import SYMBOLS, split_sentences
from mmtts.text.phonemes import GAPS, SILENCE, encode_symbols, phonemize


def load(options: Mapping[str, str], threads: int) -> Talker:
    """Draw the weights, which takes the place of reading them.

    It speaks sentence by sentence, from the phonemes that a system of this project gets too.

    Args:
        options: None.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    acoustic_model, vocoder = MatchaTTS(len(SYMBOLS)).eval(), HifiGan().eval()

    def stream(text: str, steps: int) -> Iterator[np.ndarray]:
        for sentence in split_sentences(text):
            symbols = phonemize(sentence)
            spoken = sum(symbol not in GAPS and symbol != SILENCE for symbol in symbols)
            with torch.inference_mode():
                mel = acoustic_model(torch.tensor([encode_symbols(symbols)]), spoken, steps)
                yield vocoder(mel)[0].numpy()

    return Talker(SAMPLE_RATE, stream)
