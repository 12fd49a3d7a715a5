"""Speech stream: batches for stage 1 out of shards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import load_samples
from mmtts.data.frame_windows import frame_windows
from mmtts.data.speech_batch import SpeechBatch, lay_phonemes
from mmtts.data.streaming.manifest_reader import ManifestReader
from mmtts.data.streaming.open_shard import Planned
from mmtts.data.streaming.plan import Place, bucketed
from mmtts.data.streaming.recent_clips import RecentClips
from mmtts.data.streaming.recorded_batch import RecordedBatch, analyze, margin, to_16_bits
from mmtts.data.streaming.shar_index import Shard
from mmtts.data.streaming.shard_stream import ShardStream


class SpeechStream(ShardStream[RecordedBatch | SpeechBatch]):
    """Batches of clips of about the same length.

    Args:
        shards: of the split.
        reader: of their manifests.
        speakers: speaker -> index; others get -1.
        accents: accent -> index, likewise.
        duration_bins: bounds of the buckets in seconds, the same for all processes.
        batch_seconds: total length of a batch.
        buffer_size: clips that wait in a worker's buckets, compressed.
        recent_seconds: length of the decoded clips that a worker keeps for references.
        mel: plain arguments of `MelSpectrogram`.
        reference: ``"other_clip"`` of the speaker where a recent one is kept, or ``"other_crop"``.
        reference_seconds: shortest and longest reference; every batch draws one length.
        window_slack: frames around a word that its phonemes may use.
        analyzes: give each `SpeechBatch`, and not a `RecordedBatch`.
        stream: of `ShardStream`.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        reader: ManifestReader,
        speakers: Mapping[str, int],
        *,
        accents: Mapping[str, int],
        duration_bins: list[float],
        batch_seconds: float,
        buffer_size: int = 2000,
        recent_seconds: float = 3600.0,
        mel: Mapping[str, Any] | None = None,
        reference: str = "other_clip",
        reference_seconds: tuple[float, float] = (1.5, 4.0),
        window_slack: int = 6,
        analyzes: bool = False,
        **stream: Any,
    ) -> None:
        super().__init__(shards, reader, **stream)
        self.speakers, self.accents, self.duration_bins = speakers, accents, duration_bins
        self.batch_seconds, self.buffer_size = batch_seconds, buffer_size
        self.recent_seconds, self.mel = recent_seconds, MelSpectrogram(**(mel or {}))
        self.reference, self.reference_seconds = reference, reference_seconds
        self.window_slack, self.analyzes = window_slack, analyzes

    def plan(self, turns: Iterator[Iterator[Planned]], place: Place) -> Iterator[list[Planned]]:
        """Put clips of about the same length into a batch; none comes twice in a turn."""
        rng = place.draws(1)
        for clips in turns:
            yield from bucketed(
                clips,
                self.batch_seconds,
                self.duration_bins,
                self.buffer_size,
                rng.getrandbits(31),
            )

    def work(self, place: Place) -> SpeechWork:
        """Return what loads a worker's batches."""
        return SpeechWork(self, place.worker)


class SpeechWork:
    """Loads the batches of one worker, and remembers what it decoded last.

    Args:
        stream: whose batches.
        worker: its number.
    """

    def __init__(self, stream: SpeechStream, worker: int) -> None:
        self.stream, self.worker = stream, worker
        self._recent = RecentClips(stream.recent_seconds)
        self._passed: deque[Planned] = deque()
        self._passed_seconds = 0.0

    def skip(self, planned: Sequence[Planned]) -> None:
        """Pass over a batch; of the audio only what references are made of will be decoded."""
        for item in planned:
            if self.stream.reference != "other_clip":
                item.shard.drop(item)
                continue
            self._passed.append(item)
            self._passed_seconds += item.clip.seconds
            while self._passed_seconds > self.stream.recent_seconds and len(self._passed) > 1:
                oldest = self._passed.popleft()
                self._passed_seconds -= oldest.clip.seconds
                oldest.shard.drop(oldest)

    def load(self, planned: Sequence[Planned], rng: np.random.Generator) -> Any:
        """Load a batch; clips that cannot be decoded are left out.

        Raises:
            InputError: none of the clips can be decoded, or a shard cannot be read.
        """
        while self._passed:
            self._decode(self._passed.popleft())
        decoded = [(item, self._decode(item)) for item in planned]
        rows = [(item, samples) for item, samples in decoded if samples is not None]
        if not rows:
            names = ", ".join(sorted({item.shard.shard.recording for item in planned}))
            raise InputError(f"none of {len(planned)} clips of {names} can be decoded.")
        recorded = self._collate(rows, rng)
        return analyze(recorded, self.stream.mel) if self.stream.analyzes else recorded

    def _decode(self, item: Planned) -> np.ndarray | None:
        """Return the samples int16 (N,) of a clip, or ``None``; remember it."""
        clip, samples = item.shard.take(item), None
        try:
            samples = to_16_bits(load_samples(clip, self.stream.mel.sample_rate))
        except InputError as error:
            self.stream.note_broken(error, self.worker)
        if self.stream.reference == "other_clip":
            self._recent.add(clip.speaker, clip.id, clip.seconds, samples)
        return samples

    def _collate(
        self, rows: Sequence[tuple[Planned, np.ndarray]], rng: np.random.Generator
    ) -> RecordedBatch:
        mel, clips = self.stream.mel, [item.clip for item, _ in rows]
        length = round(rng.uniform(*self.stream.reference_seconds) * mel.frames_per_second)
        sources = []
        for item, own in rows:
            other = self._recent.draw(item.clip.speaker, item.clip.id, rng)
            sources.append(own if other is None else other)
        cuts = [_draw_span(len(source) // mel.hop_length + 1, length, rng) for source in sources]
        frames = [len(own) // mel.hop_length + 1 for _, own in rows]
        manners = [_draw_span(count, length, rng) for count in frames]
        tokens = [item.tokens for item, _ in rows]
        windows = [
            None
            if spoken is None
            else frame_windows(
                spoken,
                clip.words,
                count,
                frames_per_second=mel.frames_per_second,
                slack=self.stream.window_slack,
            )
            for spoken, clip, count in zip(tokens, clips, frames, strict=True)
        ]
        phonemes, phoneme_lens, first, last = lay_phonemes(tokens, windows, frames)
        return RecordedBatch(
            wav=_pad([own for _, own in rows]),
            mel_lens=torch.tensor(frames),
            phonemes=phonemes,
            phoneme_lens=phoneme_lens,
            first_frame=first,
            last_frame=last,
            reference=_cut(sources, cuts, mel),
            reference_lens=torch.tensor([count for _, count in cuts]),
            manner_start=torch.tensor([start for start, _ in manners]),
            manner_lens=torch.tensor([count for _, count in manners]),
            speaker=torch.tensor([self.stream.speakers.get(clip.speaker, -1) for clip in clips]),
            accent=torch.tensor([self.stream.accents.get(clip.accent, -1) for clip in clips]),
            transcribed=torch.tensor([spoken is not None for spoken in tokens]),
            ids=[clip.id for clip in clips],
            spoken=sum(spoken is not None for spoken in tokens),
        )


def _draw_span(frames: int, length: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the start of a crop of at most ``length`` of some frames; return it and its length."""
    return int(rng.integers(max(0, frames - length) + 1)), min(frames, length)


def _pad(clips: Sequence[np.ndarray]) -> Tensor:
    """Pad samples (N,) with zeros to int16 (B, S)."""
    wav = np.zeros((len(clips), max(map(len, clips))), np.int16)
    for row, samples in zip(wav, clips, strict=True):
        row[: len(samples)] = samples
    return torch.from_numpy(wav)


def _cut(
    clips: Sequence[np.ndarray], spans: Sequence[tuple[int, int]], mel: MelSpectrogram
) -> Tensor:
    """Cut spans of frames with their margins out of samples: int16 (B, S')."""
    hop, beside = mel.hop_length, margin(mel)
    wav = np.zeros((len(clips), (max(n for _, n in spans) - 1 + 2 * beside) * hop), np.int16)
    for row, samples, (start, _) in zip(wav, clips, spans, strict=True):
        begin = (start - beside) * hop
        part = samples[max(0, begin) : begin + len(row)]
        row[max(0, -begin) : max(0, -begin) + len(part)] = part
    return torch.from_numpy(wav)
