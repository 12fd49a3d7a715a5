"""A judge of voices with random weights, saved as a real model folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from mmtts.networks.speaker_verifier import SpeakerVerifier
from mmtts.storage.model_folder import save_model

VERIFICATION = {
    "equal_error_rate": 0.125,
    "interval": [0.1, 0.15],
    "speakers": 12,
    "trials": 345,
    "corpora": {"x": 0.15, "y": 0.1},
}


def save_judge(folder: Path, people: Sequence[str] = ("x-a", "x-b", "y-c"), **extra: Any) -> Path:
    """A small judge that says it was trained on some people."""
    torch.manual_seed(0)
    network = SpeakerVerifier(width=32, squeeze=8, pooled=48, dim=24)
    facts = {"people": list(people), "corpora": {"x": 2, "y": 1}, "verification": VERIFICATION}
    return save_model(folder, "judge", {"speaker_verifier": network}, extra={**facts, **extra})
