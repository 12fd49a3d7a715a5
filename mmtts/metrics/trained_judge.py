"""A judge of voices that `stage=judge` trained: offline, and with a known error."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmtts import InputError
from mmtts.networks.speaker_verifier import SpeakerVerifier
from mmtts.storage.model_folder import load_config, load_network

SHORTEST_SECONDS = 0.5  # less is heard with silence behind it


class TrainedJudge:
    """Reads a model folder of kind "judge".

    Args:
        folder: The folder.

    Attributes:
        name: How reports call it, its equal error rate on unseen speakers included.
        source: What it was asked for by: the folder.
        sample_rate: Of the clips that it hears, in Hz.
        people: Names of the speakers that it was trained on.
        traces: How a model that learned from it would call it: the hash of its weights.
        facts: One sentence about its training and its error, for the head of a report.

    Raises:
        InputError: The folder is no judge, or does not say whom it was trained on.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.source = str(folder)
        config = load_config(folder, "judge")
        people, corpora = config.extra.get("people"), config.extra.get("corpora")
        measured = config.extra.get("verification")
        if not (isinstance(people, list) and isinstance(corpora, dict) and people):
            raise InputError(f"{folder} does not say whom it was trained on, so it cannot judge")
        self._network = load_network(folder, config, "speaker_verifier", SpeakerVerifier)
        self.people, self.traces = frozenset(map(str, people)), (config.sha256,)
        self.sample_rate = self._network.sample_rate
        error = _equal_error_rate(measured if isinstance(measured, dict) else {})
        self.name = f"trained judge (EER {error[0]})"
        known = ", ".join(f"{name} ({count})" for name, count in corpora.items())
        self.facts = (
            f"{folder} ({config.sha256[:12]}), ECAPA-TDNN trained on {len(people)} people: "
            f"{known}; equal error rate {error[1]}"
        )

    def embed(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Unit vectors float64 (n, E) of clips float32 (N,) at `sample_rate`."""
        return np.stack([self._embed(np.asarray(samples, np.float32)) for samples in clips])

    @torch.inference_mode()
    def _embed(self, samples: np.ndarray) -> np.ndarray:
        missing = round(SHORTEST_SECONDS * self.sample_rate) - len(samples)
        wav = torch.from_numpy(np.pad(samples, (0, max(0, missing))))[None]
        vector = self._network(wav, torch.tensor([wav.shape[1]]))[0]
        return np.asarray(vector.double().numpy())


def _equal_error_rate(measured: dict[str, Any]) -> tuple[str, str]:
    """The number for a table, and the sentence for a header."""
    value, ends = measured.get("equal_error_rate"), measured.get("interval")
    if not isinstance(value, float) or not isinstance(ends, list) or None in ends:
        return "unknown", "unknown: its data had no two clips of one unseen speaker"
    low, high = (float(end) for end in ends)
    rates = [f"{rate:.3f} in {corpus}" for corpus, rate in measured.get("corpora", {}).items()]
    by_corpus = "".join(f", {rate}" for rate in rates)
    return f"{value:.3f}", (
        f"{value:.3f} [{low:.3f}, {high:.3f}] over {measured.get('trials')} trials of "
        f"{measured.get('speakers')} speakers it never heard{by_corpus}"
    )
