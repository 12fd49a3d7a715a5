"""One utterance: phonemes and a style become samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from mmtts import InputError
from mmtts.synthesis.durations import limit_durations
from mmtts.synthesis.manner import Manner, require_seed
from mmtts.synthesis.spoken_words import SpokenWord, locate_words
from mmtts.synthesis.system_folder import Speaker
from mmtts.text import encode_symbols
from mmtts.text.front_end import Word
from mmtts.text.lines import Line
from mmtts.text.phonemes import lay_words
from mmtts.text.script import Delivery

if TYPE_CHECKING:
    from mmtts.audio.mel import MelSpectrogram

Words: TypeAlias = list[tuple[Word, Delivery]]


def make_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Start a source of noise.

    Raises:
        InputError: The seed is negative or too large.
    """
    require_seed(seed)
    return torch.Generator(device=device).manual_seed(seed)


class Utterance(NamedTuple):
    """What one line sounds like.

    Attributes:
        samples: Raw, float32 (S,).
        words: When they are heard in it.
        loudness: Of each word, in dB above that of the whole.
    """

    samples: np.ndarray
    words: tuple[SpokenWord, ...] = ()
    loudness: tuple[float, ...] = ()


def speak(
    speaker: Speaker,
    lines: Sequence[Line],
    z: Tensor,
    manner: Manner,
    generator: torch.Generator,
) -> list[Utterance]:
    """Speak lines at once.

    Args:
        speaker: Acoustic model, vocoder and mel.
        lines: Each short enough to be spoken in one breath; silent ones sound like nothing.
        z: Style of each line (B, D), or of all (1, D).
        manner: How to speak.
        generator: Source of the decoder's noise, on the CPU.

    Raises:
        InputError: A line cannot be spoken, or the model is broken.
    """
    z = z.expand(len(lines), -1)
    heard = [place for place, line in enumerate(lines) if line.text]
    utterances = [Utterance(np.zeros(0, np.float32))] * len(lines)
    if heard:
        spoken = _speak(speaker, [lines[place] for place in heard], z[heard], manner, generator)
        for place, utterance in zip(heard, spoken, strict=True):
            utterances[place] = utterance
    return utterances


@torch.inference_mode()
def _speak(
    speaker: Speaker,
    lines: Sequence[Line],
    z: Tensor,
    manner: Manner,
    generator: torch.Generator,
) -> list[Utterance]:
    """Speak lines that all have words, with the styles z (B, D)."""
    readings = [line.read() for line in lines]
    laid = [lay_words([word for word, _ in reading]) for reading in readings]
    codes = [torch.tensor(encode_symbols(symbols, speaker.front_end)) for symbols, _ in laid]
    lens = torch.tensor([len(code) for code in codes], device=z.device)
    phonemes = pad_sequence(codes, batch_first=True).to(z.device)
    paces = [_paces(reading, *at) for reading, at in zip(readings, laid, strict=True)]
    pace = pad_sequence(paces, batch_first=True, padding_value=1.0).to(z.device)
    frame_seconds = speaker.mel.hop_length / speaker.mel.sample_rate
    if manner.semitones and speaker.acoustic_model.frame_prior is None:
        raise InputError("this model knows no melody that could be moved; leave semitones out")
    with _quick_products(z.device):
        spoken = speaker.acoustic_model.synthesize(
            phonemes,
            lens,
            z,
            steps=manner.steps,
            guidance=manner.guidance,
            pace=manner.pace,
            accent=speaker.acoustic_model.accent_index(manner.accent),
            generator=generator,
            limit=lambda frames: limit_durations(frames, phonemes, frame_seconds) / pace,
            semitones=manner.semitones,
        )
        # What lies behind the end of a shorter sentence must be silence for the vocoder.
        frames = torch.arange(spoken.mel.shape[1], device=z.device)
        behind = (frames >= spoken.mel_lens[:, None])[:, :, None]
        wav = speaker.vocoder(spoken.mel.masked_fill(behind, float(spoken.mel.min())))
    ends = ((spoken.mel_lens - 1) * speaker.mel.hop_length).tolist()
    sounds = [row[:end].copy() for row, end in zip(wav.float().cpu().numpy(), ends, strict=True)]
    _refuse_what_is_not_finite(lines, sounds)
    durations = spoken.durations.cpu().numpy()
    return [
        _utterance(reading, places, row[: len(symbols)], sound, speaker.mel)
        for reading, (symbols, places), row, sound in zip(
            readings, laid, durations, sounds, strict=True
        )
    ]


def _paces(reading: Words, symbols: Sequence[str], places: Sequence[range]) -> Tensor:
    """Lay out how fast each symbol (N,) is spoken: a gap as fast as the word in front of it."""
    paces = torch.ones(len(symbols))
    for (_, delivery), place in zip(reading, places, strict=True):
        paces[place.start : place.stop + 1] = delivery.pace
    paces[-1] = 1.0
    return paces


def _utterance(
    reading: Words,
    places: Sequence[range],
    durations: np.ndarray,
    sound: np.ndarray,
    mel: MelSpectrogram,
) -> Utterance:
    """Find the words in a sound, and how loud they are to be."""
    rate = mel.sample_rate
    words = locate_words(
        [(word.text, word.mark) for word, _ in reading],
        places,
        durations,
        mel.hop_length / rate,
        len(sound) / rate,
    )
    loudness = [d.loudness for (_, d), place in zip(reading, places, strict=True) if place]
    return Utterance(sound, words, tuple(loudness))


def _refuse_what_is_not_finite(lines: Sequence[Line], sounds: Sequence[np.ndarray]) -> None:
    for line, sound in zip(lines, sounds, strict=True):
        if not np.isfinite(sound).all():
            raise InputError(
                f"the model makes no finite sound of {line.said!r:.60}; train it again"
            )


@contextmanager
def _quick_products(device: torch.device) -> Iterator[None]:
    """Allow bfloat16 inside of matrix products on a CPU, as long as the block runs."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cpu":
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
