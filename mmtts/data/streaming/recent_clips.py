"""Recent clips: what a worker decoded last, as references for other clips of the same speakers."""

from __future__ import annotations

from collections import deque

import numpy as np


class RecentClips:
    """Samples of the clips that came last, up to a total length.

    Args:
        seconds: total length; the newest clip always stays.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._total = 0.0
        self._order: deque[tuple[str, float]] = deque()
        self._of_speaker: dict[str, deque[tuple[str, np.ndarray | None]]] = {}

    def add(self, speaker: str, name: str, seconds: float, samples: np.ndarray | None) -> None:
        """Remember a clip; one that could not be decoded has no samples, and takes its place.

        So which clips are remembered follows from the plan alone.
        """
        self._order.append((speaker, seconds))
        self._of_speaker.setdefault(speaker, deque()).append((name, samples))
        self._total += seconds
        while self._total > self.seconds and len(self._order) > 1:
            oldest, length = self._order.popleft()
            self._total -= length
            self._of_speaker[oldest].popleft()
            if not self._of_speaker[oldest]:
                del self._of_speaker[oldest]

    def draw(self, speaker: str, name: str, rng: np.random.Generator) -> np.ndarray | None:
        """Return the samples of another clip of a speaker, or ``None`` where there is none."""
        others = [
            samples
            for other, samples in self._of_speaker.get(speaker, ())
            if other != name and samples is not None
        ]
        return others[rng.integers(len(others))] if others else None
