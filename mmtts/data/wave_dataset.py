"""Wave dataset: whole batches of short crops with their mels, for the vocoder."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.clip_store import ClipStore, shared_zeros
from mmtts.data.cuts import Clip, load_samples
from mmtts.data.sampling import Draw

_log = logging.getLogger(__name__)


class WaveBatch(NamedTuple):
    """A batch for the vocoder.

    Attributes:
        wav: float32 (B, S), in [-1, 1].
        mel: (B, T, M) natural-log mel, S = (T - 1) * hop_length. Frames at the edges of a crop have
            seen the samples beyond it, as they do in a whole clip.
        ids: of the clips.
    """

    wav: Tensor
    mel: Tensor
    ids: list[str]


class WaveDataset(Dataset[WaveBatch]):
    """Loads a whole batch for each `Draw`.

    Args:
        clips: to draw from.
        crop_seconds: length of a crop, rounded to whole frames; shorter clips end in silence.
        mel: plain arguments of `MelSpectrogram`.
        cache_gib: memory for decoded clips (16 bit), shared by all workers.
        seed: of the crops.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        *,
        crop_seconds: float = 1.0,
        mel: Mapping[str, Any] | None = None,
        cache_gib: float = 2.0,
        seed: int = 0,
    ) -> None:
        self.clips, self.seed = list(clips), seed
        self.mel = MelSpectrogram(**(mel or {}))
        self.frames = max(1, round(crop_seconds * self.mel.frames_per_second))
        self.store = ClipStore(
            [c.num_samples(self.mel.sample_rate) for c in self.clips], 1, np.int16, cache_gib
        )
        self._broken = shared_zeros(len(self.clips), np.uint8)

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far, by any forked worker."""
        return [self.clips[index].id for index in np.flatnonzero(self._broken)]

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> WaveBatch:
        """Load a batch; another clip stands in for one that cannot be decoded.

        Raises:
            InputError: the clips tried in the place of a broken one are all broken.
        """
        rng = np.random.default_rng([self.seed, draw.epoch, draw.number])
        loaded = [self._load(index, rng) for index in draw.clips]
        hop = self.mel.hop_length
        # Half a window on either side, in whole hops, so that no frame sees an artificial edge.
        margin = -(-self.mel.n_fft // 2 // hop)
        length = (self.frames + 2 * margin) * hop
        wide = np.zeros((len(loaded), length), np.float32)
        for row, (_, samples) in zip(wide, loaded, strict=True):
            room = max(0, len(samples) - self.frames * hop)
            start = int(rng.integers(room + 1)) - margin * hop
            part = samples[max(0, start) : max(0, start + length)]
            row[max(0, -start) : max(0, -start) + len(part)] = part
        wav = torch.from_numpy(wide).div_(32768.0)
        with torch.no_grad():
            mel = self.mel(wav)[:, margin : margin + self.frames + 1]
        crop = wav[:, margin * hop : (margin + self.frames) * hop]
        return WaveBatch(
            wav=crop.contiguous(),
            mel=mel.contiguous(),
            ids=[self.clips[index].id for index, _ in loaded],
        )

    def _load(self, index: int, rng: np.random.Generator) -> tuple[int, np.ndarray]:
        """Return a clip's samples as int16 (N,), or another clip's."""
        for _ in range(100):
            samples = self._samples(index)
            if samples is not None:
                return index, samples
            index = int(rng.integers(len(self.clips)))
        raise InputError(
            f"None of 100 clips can be decoded, among them {self.skipped[0]!r}: "
            "prepare the data folder again."
        )

    def _samples(self, index: int) -> np.ndarray | None:
        kept = self.store.get(index)
        if kept is not None:
            return kept[:, 0]
        if self._broken[index]:
            return None
        try:
            samples = load_samples(self.clips[index], self.mel.sample_rate)
        except InputError as error:
            self._broken[index] = 1
            _log.warning("%s It is skipped from now on.", error)
            return None
        whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
        self.store.put(index, whole[:, None])
        return whole
