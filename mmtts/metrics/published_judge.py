"""Judges of voices from elsewhere: speaker-verification networks with published weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from mmtts.networks.campplus import PACKAGE, CAMPPlus
from mmtts.networks.ecapa import ECAPA
from mmtts.networks.wavlm import WavLM
from mmtts.storage.weights_file import module_hash


class Publication(NamedTuple):
    """What is known of a published network."""

    name: str  # how reports call it
    network: type[CAMPPlus | ECAPA | WavLM]
    traces: tuple[str, ...]  # how it is called by a model that took part of it; regular expressions
    origin: str
    weights: str = ""  # where they are unless it is said


# By the word that asks for it.
PUBLISHED = {
    "campplus": Publication(
        name="CAM++",
        network=CAMPPlus,
        traces=("campplus", r"cam\+\+"),
        origin="published by 3D-Speaker under Apache-2.0 (arXiv 2303.00332)",
        weights=f"the package {PACKAGE}",
    ),
    "ecapa": Publication(
        name="ECAPA-TDNN",
        network=ECAPA,
        traces=("ecapa",),
        origin="in SpeechBrain's form, whose own weights are Apache-2.0 (arXiv 2005.07143)",
    ),
    "wavlm": Publication(
        name="WavLM x-vector",
        network=WavLM,
        traces=("wavlm",),
        origin="under the terms of its model card (arXiv 2110.13900)",
    ),
}


class PublishedJudge:
    """A network of `PUBLISHED`.

    Args:
        word: Which one.
        weights: Where its weights are, as the network takes it; None is its default.

    Attributes:
        name: How reports call it.
        source: What it was asked for by.
        sample_rate: Of the clips that it hears, in Hz.
        people: Speakers whom it is known to have been trained on: none are listed.
        traces: How a model that learned from it would call it, regular expressions.
        facts: One sentence about its weights, for the head of a report.

    Raises:
        InputError: The weights cannot be had or belong to another network.
    """

    people: frozenset[str] = frozenset()

    def __init__(self, word: str, weights: str | None = None) -> None:
        known = PUBLISHED[word]
        self._network = known.network(weights)
        self.name, self.traces = known.name, known.traces
        self.source = f"{word}:{weights}" if weights else word
        self.sample_rate = self._network.sample_rate
        self.facts = (
            f"{weights or known.weights} (tensors {module_hash(self._network)[:12]}), "
            f"{known.origin}; whom it was trained on is not listed, so it may know tested people"
        )

    @torch.inference_mode()
    def embed(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors float64 (n, E) of clips float32 (N,) at `sample_rate`."""
        heard = [np.array(clip if len(clip) else [0.0], np.float32) for clip in clips]
        vectors = self._network([torch.from_numpy(samples) for samples in heard])
        return np.asarray(vectors.double().numpy())
