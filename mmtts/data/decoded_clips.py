"""Decoded clips: bounded in memory, patient with broken files; what data sets of samples share."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from mmtts import InputError
from mmtts.data.clip_store import ClipStore, shared_zeros
from mmtts.data.cuts import Clip, load_samples

_log = logging.getLogger(__name__)


class DecodedClips:
    """Samples of clips, decoded once; those that cannot be decoded are left out from then on.

    Args:
        clips: to decode.
        sample_rate: wanted, in Hz.
        cache_gib: memory for decoded clips (16 bit), shared by all workers.
    """

    def __init__(self, clips: Sequence[Clip], sample_rate: int, cache_gib: float) -> None:
        self.clips, self.sample_rate = list(clips), sample_rate
        self.store = ClipStore(
            [clip.num_samples(sample_rate) for clip in self.clips], 1, np.int16, cache_gib
        )
        self._broken = shared_zeros(len(self.clips), np.uint8)

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far, by any forked worker."""
        return [self.clips[index].id for index in np.flatnonzero(self._broken)]

    def load(self, index: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return a clip's index and samples int16 (N,); another clip's where it is broken.

        Raises:
            InputError: the clips tried in the place of a broken one are all broken.
        """
        for _ in range(100):
            samples = self.samples(index)
            if samples is not None:
                return index, samples
            index = int(rng.integers(len(self.clips)))
        raise InputError(
            f"None of 100 clips can be decoded, among them {self.skipped[0]!r}: "
            "prepare the data folder again."
        )

    def samples(self, index: int) -> np.ndarray | None:
        """Return a clip's samples int16 (N,), or ``None`` when it cannot be decoded."""
        kept = self.store.get(index)
        if kept is not None:
            return kept[:, 0]
        if self._broken[index]:
            return None
        try:
            samples = load_samples(self.clips[index], self.sample_rate)
        except InputError as error:
            self._broken[index] = 1
            _log.warning("%s It is skipped from now on.", error)
            return None
        whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        self.store.put(index, whole[:, None])
        return whole
