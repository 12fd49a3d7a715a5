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


class CropWindow:
    """A crop of whole frames, with what its outermost frames see on either side.

    Args:
        mel: of the crops.
        crop_seconds: length of a crop, rounded to whole frames.

    Attributes:
        size: samples of a crop and its margins.
    """

    def __init__(self, mel: MelSpectrogram, crop_seconds: float) -> None:
        self.mel, self.frames = mel, max(1, round(crop_seconds * mel.frames_per_second))
        # Half a window on either side, in whole hops, so that no frame sees an artificial edge.
        self.margin = -(-mel.n_fft // 2 // mel.hop_length)
        self.size = (self.frames + 2 * self.margin) * mel.hop_length

    def draw(self, length: int, rng: np.random.Generator) -> int:
        """Draw where the margin before a crop begins in a clip; before 0 there is silence."""
        room = max(0, length - self.frames * self.mel.hop_length)
        return int(rng.integers(room + 1)) - self.margin * self.mel.hop_length

    def batch(self, rows: np.ndarray, ids: list[str]) -> WaveBatch:
        """Make a batch of crops with their margins: float32 (B, size), 16 bit values."""
        wav = torch.from_numpy(rows).div_(32768.0)
        with torch.no_grad():
            mel = self.mel(wav)[:, self.margin : self.margin + self.frames + 1]
        hop = self.mel.hop_length
        crop = wav[:, self.margin * hop : (self.margin + self.frames) * hop]
        return WaveBatch(wav=crop.contiguous(), mel=mel.contiguous(), ids=ids)


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
        self.window = CropWindow(self.mel, crop_seconds)
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
        rows, hop = np.zeros((len(loaded), self.window.size), np.float32), self.mel.hop_length
        told: dict[int, np.ndarray] = {}
        for number, (row, (index, samples)) in enumerate(zip(rows, loaded, strict=True)):
            first = self.window.draw(len(samples), rng)
            expected = self._expected.get(self.clips[index].id)
            if expected is not None and rng.random() < self._share:
                first -= first % hop
                frame = first // hop + self.window.margin
                told[number] = expected[frame : frame + self.window.frames + 1]
            part = samples[max(0, first) : max(0, first + self.window.size)]
            row[max(0, -first) : max(0, -first) + len(part)] = part
        batch = self.window.batch(rows, [self.clips[index].id for index, _ in loaded])
        for number, mel in told.items():
            batch.mel[number] = math.log(LOG_FLOOR)
            batch.mel[number, : len(mel)] = torch.from_numpy(mel)
        return batch
