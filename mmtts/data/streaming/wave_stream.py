"""Wave stream: batches of short crops for the vocoder out of shards."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import Clip, load_samples
from mmtts.data.streaming.manifest_reader import ManifestReader
from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.plan import Place, pooled
from mmtts.data.streaming.recorded_batch import to_16_bits
from mmtts.data.streaming.shar_index import Shard
from mmtts.data.streaming.shard_stream import ShardStream
from mmtts.data.wave_dataset import CropWindow, WaveBatch


class WaveStream(ShardStream[WaveBatch]):
    """Batches of crops; of every clip that part alone is decoded.

    Args:
        shards: of the split.
        reader: of their manifests; gives a clip once for every crop.
        batch_size: crops in a batch.
        crop_seconds: length of a crop, rounded to whole frames; shorter clips end in silence.
        buffer_size: crops that wait to be drawn by a worker.
        mel: plain arguments of `MelSpectrogram`.
        stream: of `ShardStream`.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        reader: ManifestReader,
        *,
        batch_size: int,
        crop_seconds: float,
        buffer_size: int = 10000,
        mel: Mapping[str, Any] | None = None,
        **stream: Any,
    ) -> None:
        super().__init__(shards, reader, **stream)
        self.batch_size, self.buffer_size = batch_size, buffer_size
        self.mel = MelSpectrogram(**(mel or {}))
        self.window = CropWindow(self.mel, crop_seconds)

    def plan(self, turns: Iterator[Iterator[Planned]], place: Place) -> Iterator[list[Planned]]:
        """Draw crops from a pool."""
        clips = itertools.chain.from_iterable(turns)
        return pooled(clips, self.batch_size, self.buffer_size, place.draws(1))

    def work(self, place: Place) -> WaveWork:
        """Return what loads a worker's batches."""
        return WaveWork(self, place.worker)


class WaveWork:
    """Loads the batches of one worker.

    Args:
        stream: whose batches.
        worker: its number.
    """

    def __init__(self, stream: WaveStream, worker: int) -> None:
        self.stream, self.worker = stream, worker

    def skip(self, planned: Sequence[Planned]) -> None:
        """Pass over a batch."""
        for item in planned:
            item.shard.drop(item)

    def load(self, planned: Sequence[Planned], rng: np.random.Generator) -> WaveBatch:
        """Load a batch; another crop of it stands in for one that cannot be decoded.

        Raises:
            InputError: none of the clips can be decoded, or a shard cannot be read.
        """
        clips = [item.shard.take(item) for item in planned]
        crops = [self._crop(clip, rng) for clip in clips]
        good = [row for row, crop in enumerate(crops) if crop is not None]
        if not good:
            names = ", ".join(sorted({item.shard.shard.recording for item in planned}))
            raise InputError(f"none of {len(planned)} clips of {names} can be decoded.")
        chosen = [
            row if crop is not None else good[rng.integers(len(good))]
            for row, crop in enumerate(crops)
        ]
        found = [crops[row] for row in chosen]
        rows = np.stack([crop for crop in found if crop is not None])
        return self.stream.window.batch(rows, [clips[row].id for row in chosen])

    def _crop(self, clip: Clip, rng: np.random.Generator) -> np.ndarray | None:
        """Decode a random crop with its margins, 16 bit values (size,); ``None`` if broken."""
        window, rate = self.stream.window, self.stream.mel.sample_rate
        length = clip.num_samples(rate)
        first = window.draw(length, rng)
        begin, end = max(0, first), min(length, first + window.size)
        row = np.zeros(window.size, np.float32)
        try:
            part = to_16_bits(load_samples(clip, rate, begin, end - begin))
        except InputError as error:
            self.stream.note_broken(error, self.worker)
            return None
        row[begin - first : end - first] = part
        return row
