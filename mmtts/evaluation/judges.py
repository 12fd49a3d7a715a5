"""The judges of an evaluation: loaded when first asked, and never from the training."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from mmtts import InputError
from mmtts.audio.word_alignment import WordAligner
from mmtts.metrics.quality import Dnsmos
from mmtts.metrics.recognition import Pocketsphinx, Recognizer, SentenceJudge, Whisper
from mmtts.metrics.speakers import Resemblyzer

T = TypeVar("T")

# How a judge would be called by a model that had learned from it.
FAMILIES = {
    "resemblyzer": ("resemblyzer",),
    "pocketsphinx": ("pocketsphinx",),
    "DNSMOS": ("dnsmos", "speechmos"),
    "whisper": ("whisper",),
}


class Judges:
    """Every judge, made on first use; what was asked about real clips is remembered.

    Args:
        whisper: Model folder or hub id of a Whisper; without one only pocketsphinx transcribes.
    """

    def __init__(self, whisper: str | None = None) -> None:
        self._whisper = whisper
        self._remembered: dict[Hashable, Any] = {}

    @cached_property
    def recognizers(self) -> list[Recognizer]:
        """Those who write down what they hear."""
        found: list[Recognizer] = [Pocketsphinx()]
        return [*found, Whisper(self._whisper)] if self._whisper else found

    @cached_property
    def sentences(self) -> SentenceJudge:
        """Chooses among given sentences."""
        return SentenceJudge()

    @cached_property
    def speakers(self) -> Resemblyzer:
        """Tells voices apart."""
        return Resemblyzer()

    @cached_property
    def quality(self) -> Dnsmos:
        """Rates quality."""
        return Dnsmos()

    @cached_property
    def phones(self) -> WordAligner:
        """Counts the phones of a text by dictionary."""
        return WordAligner()

    def remember(self, key: Hashable, measure: Callable[[], T]) -> T:
        """Measure once what does not depend on a system."""
        if key not in self._remembered:
            self._remembered[key] = measure()
        found: T = self._remembered[key]
        return found

    def embed(self, clips: Sequence[np.ndarray]) -> np.ndarray:
        """Speaker embeddings (n, 256) of clips at 16 kHz."""
        return np.stack([self.speakers.embed(samples) for samples in clips])


def check_independence(folder: Path, whisper: str | None = None) -> None:
    """Make sure that no judge took part in training the networks of a folder.

    Every string in every `config.json` below the folder is searched: backbones, teachers and their
    weights are named there.

    Raises:
        InputError: One is named.
    """
    families = {name: words for name, words in FAMILIES.items() if name != "whisper" or whisper}
    for path in sorted(folder.rglob("config.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {error}") from error
        said = " ".join(_strings(content)).lower()
        for judge, words in families.items():
            if any(re.search(rf"(?<![a-z]){word}", said) for word in words):
                raise InputError(
                    f"{judge} took part in training {path.parent}, so it cannot be a judge of it"
                )


def _strings(value: Any) -> list[str]:
    """All strings in plain values, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for key, child in value.items() for s in (str(key), *_strings(child))]
    if isinstance(value, list):
        return [s for child in value for s in _strings(child)]
    return []
