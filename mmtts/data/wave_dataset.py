"""Wave dataset: whole batches of short crops with their mels, for the vocoder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmtts.audio.mel import LOG_FLOOR, MelSpectrogram
from mmtts.data.cuts import Clip
from mmtts.data.decoded_clips import DecodedClips
from mmtts.data.sampling import Draw


class WaveBatch(NamedTuple):
    """A batch for the vocoder.

    Attributes:
        wav: float32 (B, S), in [-1, 1].
        mel: (B, T, M) natural-log mel, S = (T - 1) * hop_length. Frames at the edges of a crop have
            seen the samples beyond it, as they do in a whole clip. Of some rows it is what a
            synthesizer expects instead, see `WaveDataset.hear`.
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
        self.decoded = DecodedClips(self.clips, self.mel.sample_rate, cache_gib)
        self._expected: Mapping[str, np.ndarray] = {}
        self._share = 0.0

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far, by any forked worker."""
        return self.decoded.skipped

    def hear(self, expected: Mapping[str, np.ndarray], share: float) -> None:
        """Put mels that a synthesizer expects in the place of recorded ones.

        Args:
            expected: id of a clip -> natural-log mel (T, M) of all of it.
            share: of the crops of these clips that are given what was expected.
        """
        self._expected, self._share = expected, share

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> WaveBatch:
        """Load a batch; another clip stands in for one that cannot be decoded.

        Raises:
            InputError: the clips tried in the place of a broken one are all broken.
        """
        rng = np.random.default_rng([self.seed, draw.epoch, draw.number])
        loaded = [self.decoded.load(index, rng) for index in draw.clips]
        hop = self.mel.hop_length
        # Half a window on either side, in whole hops, so that no frame sees an artificial edge.
        margin = -(-self.mel.n_fft // 2 // hop)
        length = (self.frames + 2 * margin) * hop
        wide = np.zeros((len(loaded), length), np.float32)
        told: dict[int, np.ndarray] = {}
        for number, (row, (index, samples)) in enumerate(zip(wide, loaded, strict=True)):
            room = max(0, len(samples) - self.frames * hop)
            start = int(rng.integers(room + 1)) - margin * hop
            expected = self._expected.get(self.clips[index].id)
            if expected is not None and rng.random() < self._share:
                first = (start + margin * hop) // hop
                start = (first - margin) * hop
                told[number] = expected[first : first + self.frames + 1]
            part = samples[max(0, start) : max(0, start + length)]
            row[max(0, -start) : max(0, -start) + len(part)] = part
        wav = torch.from_numpy(wide).div_(32768.0)
        with torch.no_grad():
            mel = self.mel(wav)[:, margin : margin + self.frames + 1]
        for number, rows in told.items():
            mel[number] = math.log(LOG_FLOOR)
            mel[number, : len(rows)] = torch.from_numpy(rows)
        crop = wav[:, margin * hop : (margin + self.frames) * hop]
        return WaveBatch(
            wav=crop.contiguous(),
            mel=mel.contiguous(),
            ids=[self.clips[index].id for index, _ in loaded],
        )
