"""Speaker data sets: crops that sound as if recorded elsewhere, and whole clips for trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mmtts.audio.recording_chain import add_noise, limit_band
from mmtts.audio.resampling import resample
from mmtts.data.cuts import Clip
from mmtts.data.decoded_clips import DecodedClips
from mmtts.data.sampling import Draw

_FULL_SCALE = 32768.0
_STEP = 400  # samples: lengths without large prime factors, of which transforms are slow


class SpeakerBatch(NamedTuple):
    """A batch of voices.

    Attributes:
        wav: float32 (B, S); zero behind the end of a clip.
        wav_lens: valid samples int64 (B,).
        speaker: int64 (B,), class of the speaker; -1 in trials, whose speakers are no classes.
        speakers: names.
        ids: of the clips.
    """

    wav: Tensor
    wav_lens: Tensor
    speaker: Tensor
    speakers: list[str]
    ids: list[str]


class RecordingChain(NamedTuple):
    """How far crops are changed.

    Attributes:
        gain_db: at most so much louder or softer.
        noise_share: how often noise is added: white, or another clip.
        snr_db: lowest and highest signal-to-noise ratio.
        band_share: how often the band is limited.
        low_hz: lowest and highest lower edge of the band.
        high_hz: lowest and highest upper edge of the band.
    """

    gain_db: float = 10.0
    noise_share: float = 0.6
    snr_db: tuple[float, float] = (8.0, 30.0)
    band_share: float = 0.6
    low_hz: tuple[float, float] = (20.0, 300.0)
    high_hz: tuple[float, float] = (3000.0, 8000.0)


class SpeakerCrops(Dataset[SpeakerBatch]):
    """Loads a whole batch of equally long crops for each `Draw`.

    A clip that is shorter than the crop is repeated. A clip played faster or slower has another
    voice, so each speed makes classes of its own (Yamamoto et al. 2019, speed perturbation).

    Args:
        clips: to draw from.
        speakers: name -> class.
        sample_rate: in Hz.
        crop_seconds: shortest and longest crop; a batch has one length.
        speeds: class number = class of the speaker + number of speakers * place in this list.
        chain: how far crops are changed.
        cache_gib: memory for decoded clips.
        seed: of all that is drawn.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        speakers: Mapping[str, int],
        sample_rate: int,
        *,
        crop_seconds: tuple[float, float] = (2.0, 3.0),
        speeds: Sequence[float] = (1.0,),
        chain: RecordingChain | None = None,
        cache_gib: float = 2.0,
        seed: int = 0,
    ) -> None:
        self.clips, self.speakers, self.sample_rate = list(clips), dict(speakers), sample_rate
        self.crop_seconds, self.speeds = crop_seconds, tuple(speeds)
        self.chain, self.seed = chain or RecordingChain(), seed
        self.decoded = DecodedClips(self.clips, sample_rate, cache_gib)

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far."""
        return self.decoded.skipped

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> SpeakerBatch:
        """Load a batch; another clip stands in for one that cannot be decoded."""
        rng = np.random.default_rng([self.seed, draw.epoch, draw.number])
        length = round(rng.uniform(*self.crop_seconds) * self.sample_rate / _STEP) * _STEP
        rows, classes, clips = [], [], []
        for wanted in draw.clips:
            index, samples = self.decoded.load(wanted, rng)
            place = int(rng.integers(len(self.speeds)))
            crop = self._crop(samples, length, self.speeds[place], rng)
            rows.append(self._record(crop, rng))
            clips.append(self.clips[index])
            number = self.speakers[self.clips[index].speaker]
            classes.append(number + place * len(self.speakers))
        return SpeakerBatch(
            wav=torch.from_numpy(np.stack(rows).astype(np.float32)),
            wav_lens=torch.full((len(rows),), length),
            speaker=torch.tensor(classes),
            speakers=[clip.speaker for clip in clips],
            ids=[clip.id for clip in clips],
        )

    def _crop(
        self, samples: np.ndarray, length: int, speed: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Cut (length,) out of int16 samples (N,) at a speed."""
        needed = length if speed == 1 else int(np.ceil(length * speed)) + 1
        if len(samples) < needed:
            samples = np.resize(samples, needed)
        start = int(rng.integers(len(samples) - needed + 1))
        part = samples[start : start + needed] / _FULL_SCALE
        if speed != 1:
            part = resample(part, round(100 * speed), 100)
        return part[:length]

    def _record(self, crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change a crop (S,) as another recording chain would."""
        chain = self.chain
        if rng.random() < chain.noise_share:
            crop = add_noise(crop, self._noise(len(crop), rng), rng.uniform(*chain.snr_db))
        if rng.random() < chain.band_share:
            low, high = (
                float(np.exp(rng.uniform(*np.log(ends)))) for ends in (chain.low_hz, chain.high_hz)
            )
            crop = limit_band(crop, self.sample_rate, low, high)
        return crop * 10 ** (rng.uniform(-chain.gain_db, chain.gain_db) / 20)

    def _noise(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """White noise or a part of another clip, as likely: (length,)."""
        if rng.random() < 0.5:
            return rng.standard_normal(length)
        _, samples = self.decoded.load(int(rng.integers(len(self.clips))), rng)
        return self._crop(samples, length, 1.0, rng)


class SpeakerClips(Dataset[SpeakerBatch]):
    """Whole clips as they are, for trials between them.

    Args:
        clips: to compare.
        sample_rate: in Hz.
        longest_seconds: what follows in a clip is not heard.
        cache_gib: memory for decoded clips.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        sample_rate: int,
        *,
        longest_seconds: float = 10.0,
        cache_gib: float = 2.0,
    ) -> None:
        self.clips = list(clips)
        self.decoded = DecodedClips(self.clips, sample_rate, cache_gib)
        self.longest = round(longest_seconds * sample_rate)

    @property
    def skipped(self) -> list[str]:
        """Ids of the clips that could not be decoded so far."""
        return self.decoded.skipped

    def __len__(self) -> int:
        """Count the clips."""
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> SpeakerBatch:
        """Load a batch, less what cannot be decoded."""
        heard = {index: self.decoded.samples(index) for index in draw.clips}
        parts = {
            index: torch.from_numpy(samples[: self.longest] / np.float32(_FULL_SCALE))
            for index, samples in heard.items()
            if samples is not None
        }
        clips = [self.clips[index] for index in parts]
        wavs = list(parts.values()) or [torch.zeros(1)]
        return SpeakerBatch(
            wav=torch.nn.utils.rnn.pad_sequence(wavs, batch_first=True)[: len(clips)],
            wav_lens=torch.tensor([len(part) for part in parts.values()], dtype=torch.long),
            speaker=torch.full((len(clips),), -1),
            speakers=[clip.speaker for clip in clips],
            ids=[clip.id for clip in clips],
        )
