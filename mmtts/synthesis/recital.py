"""A recital: line after line is spoken and set behind the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from mmtts.synthesis.finishing import PAUSE_SECONDS, finish
from mmtts.synthesis.manner import Manner
from mmtts.synthesis.speech_file import Speech
from mmtts.synthesis.spoken_words import gain_curve, shift_words
from mmtts.synthesis.system_folder import Speaker
from mmtts.synthesis.utterance import Utterance, make_generator, speak
from mmtts.text.lines import Line

# What is kept of the sound around the words at a seam.
EDGE_SECONDS = 0.05
Style = Callable[[float], Tensor]


def speak_in_turn(
    speaker: Speaker, lines: Iterable[Line], style: Style, manner: Manner
) -> Iterator[Speech]:
    """Speak one line after the other, each when it is asked for.

    Args:
        speaker: Acoustic model, vocoder and mel.
        lines: Of one text.
        style: The style z (1, D) for a change of pitch.
        manner: How to speak.
    """
    generator = make_generator(manner.seed)
    recital = Recital(speaker.mel.sample_rate, manner)
    for line in lines:
        [utterance] = speak(speaker, [line], style(line.delivery.pitch), manner, generator)
        yield recital.append(line, utterance)


def speak_together(
    speaker: Speaker, texts: Iterable[Sequence[Line]], style: Style, manner: Manner, batch_size: int
) -> Iterator[Speech]:
    """Speak several lines at a time, and yield each text in one piece.

    Args:
        speaker: As in `speak_in_turn`, like `style` and `manner`.
        texts: The lines of each text.
        style: See there.
        manner: See there.
        batch_size: Lines at a time.
    """
    generator, rate = make_generator(manner.seed), speaker.mel.sample_rate
    recital, parts = Recital(rate, manner), list[Speech]()
    for batch in _batches(texts, batch_size):
        z = torch.cat([style(line.delivery.pitch) for line, _ in batch])
        spoken = speak(speaker, [line for line, _ in batch], z, manner, generator)
        for utterance, (line, is_last) in zip(spoken, batch, strict=True):
            parts.append(recital.append(line, utterance))
            if is_last:
                yield Speech.join(parts, rate)
                recital, parts = Recital(rate, manner), []


class Recital:
    """One recording that grows line by line.

    Args:
        sample_rate: In Hz.
        manner: Of all lines.
    """

    def __init__(self, sample_rate: int, manner: Manner) -> None:
        self._rate, self._manner = sample_rate, manner
        self._position = 0  # samples so far
        self._rest = 0.0  # s of them behind the last word
        self._was_silent = False

    def append(self, line: Line, utterance: Utterance) -> Speech:
        """Level, mark and place an utterance; the silence in front is a part of what it becomes."""
        gap = self._gap(line)
        if not utterance.words:
            silence = np.zeros(self._samples((gap or 0.0) - self._rest), np.float32)
            self._advance(len(silence), gap or 0.0, was_silent=True)
            return Speech(silence, self._rate)
        utterance = self._trim(utterance, gap is not None, line.is_open)
        if gap is None:
            silence_seconds = PAUSE_SECONDS / self._manner.pace if self._position else 0.0
        else:
            silence_seconds = max(0.0, gap - self._rest - utterance.words[0].start)
        sound = self._finish(utterance, silence_seconds)
        before = (len(sound) - len(utterance.samples)) / self._rate
        words = shift_words(utterance.words, before)
        self._advance(len(sound), len(sound) / self._rate - words[-1].end, was_silent=False)
        return Speech(sound, self._rate, words)

    def _gap(self, line: Line) -> float | None:
        """Tell how long nobody speaks in front of a line, in s; None as between sentences."""
        if line.seam is None:
            return self._rest if self._was_silent else None
        return line.seam.seconds / (self._manner.pace if line.seam.follows_pace else 1.0)

    def _trim(self, utterance: Utterance, head: bool, tail: bool) -> Utterance:
        """Cut off what is far from the words, in front or behind."""
        words, samples = utterance.words, utterance.samples
        end = self._samples(words[-1].end + EDGE_SECONDS) if tail else len(samples)
        start = self._samples(words[0].start - EDGE_SECONDS) if head else 0
        shifted = shift_words(words, -start / self._rate)
        return utterance._replace(samples=samples[start:end], words=shifted)

    def _finish(self, utterance: Utterance, silence_seconds: float) -> np.ndarray:
        samples, gain = utterance.samples, None
        if any(utterance.loudness):
            gain = gain_curve(utterance.words, utterance.loudness, len(samples), self._rate)
        loudness = self._manner.loudness
        return finish(samples, self._rate, self._position, silence_seconds, loudness, gain)

    def _samples(self, seconds: float) -> int:
        return max(0, int(seconds * self._rate))

    def _advance(self, samples: int, rest: float, was_silent: bool) -> None:
        self._position += samples
        self._rest, self._was_silent = rest, was_silent


def _batches(texts: Iterable[Sequence[Line]], batch_size: int) -> Iterator[list[tuple[Line, bool]]]:
    """Group the lines of all texts; each comes with whether it ends its text."""
    batch: list[tuple[Line, bool]] = []
    for lines in texts:
        for index, line in enumerate(lines):
            batch.append((line, index + 1 == len(lines)))
            if len(batch) == batch_size:
                yield batch
                batch = []
    if batch:
        yield batch
