"""One utterance: phonemes and a style become leveled, faded and marked samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmtts import InputError
from mmtts.audio.loudness import STANDARD_DB, normalize_loudness
from mmtts.synthesis.durations import limit_durations
from mmtts.synthesis.provenance import embed_mark
from mmtts.synthesis.system_folder import Speaker
from mmtts.synthesis.voice import LOUDEST_DB
from mmtts.text import encode

PEAK = 0.97  # leaves room for what a lossy format adds
PAUSE_SECONDS = 0.2  # between sentences at pace 1
FADE_SECONDS = 0.005
RANGES = {
    "steps": (1, 100),
    "guidance": (0.0, 10.0),
    "pace": (0.25, 4.0),
    "loudness": (-LOUDEST_DB, LOUDEST_DB),
}


@dataclass(frozen=True)
class Manner:
    """How to speak, checked.

    Attributes:
        steps: Euler steps of the decoder, 1 to 100.
        guidance: How strongly the voice shapes the sound, 0 to 10.
        pace: Speaking rate relative to the voice's own, 0.25 to 4.
        seed: Of the decoder's noise.
        loudness: dB above the standard level, -20 to 20.
        accent: One that the model knows; None for its first.

    Raises:
        InputError: A number is out of its range.
    """

    steps: int = 4
    guidance: float = 1.0
    pace: float = 1.0
    seed: int = 0
    loudness: float = 0.0
    accent: str | None = None

    def __post_init__(self) -> None:
        for name in RANGES:
            require_range(name, getattr(self, name))
        make_generator(self.seed)


def require_range(name: str, value: float) -> None:
    """Refuse a number outside of `RANGES[name]`.

    Raises:
        InputError: It is outside, or not finite.
    """
    low, high = RANGES[name]
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} must be from {low:g} to {high:g}, not {value}")


def make_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Start a source of noise.

    Raises:
        InputError: The seed is negative or too large.
    """
    if not 0 <= seed < 2**63:
        raise InputError(f"a seed is a whole number from 0 to 2^63 - 1, not {seed}")
    return torch.Generator(device=device).manual_seed(seed)


@torch.inference_mode()
def speak(
    speaker: Speaker,
    sentences: Sequence[str],
    z: Tensor,
    manner: Manner,
    generator: torch.Generator,
) -> list[np.ndarray]:
    """Speak sentences at once.

    Args:
        speaker: Acoustic model, vocoder and mel.
        sentences: Each short enough to be spoken in one breath.
        z: Style (1, D).
        manner: How to speak.
        generator: Source of the decoder's noise, on the CPU.

    Returns:
        Raw samples float32 (S,) of each sentence.

    Raises:
        InputError: A sentence cannot be spoken, or the model is broken.
    """
    codes = [torch.tensor(encode(sentence)) for sentence in sentences]
    lens = torch.tensor([len(code) for code in codes], device=z.device)
    phonemes = torch.nn.utils.rnn.pad_sequence(codes, batch_first=True).to(z.device)
    with _quick_products(z.device):
        spoken = speaker.acoustic_model.synthesize(
            phonemes,
            lens,
            z.expand(len(codes), -1),
            steps=manner.steps,
            guidance=manner.guidance,
            pace=manner.pace,
            accent=speaker.acoustic_model.accent_index(manner.accent),
            generator=generator,
            limit=partial(
                limit_durations,
                phonemes=phonemes,
                frame_seconds=speaker.mel.hop_length / speaker.mel.sample_rate,
            ),
        )
        # What lies behind the end of a shorter sentence must be silence for the vocoder.
        frames = torch.arange(spoken.mel.shape[1], device=z.device)
        behind = (frames >= spoken.mel_lens[:, None])[:, :, None]
        wav = speaker.vocoder(spoken.mel.masked_fill(behind, float(spoken.mel.min())))
    ends = ((spoken.mel_lens - 1) * speaker.mel.hop_length).tolist()
    sounds = [row[:end].copy() for row, end in zip(wav.float().cpu().numpy(), ends, strict=True)]
    _refuse_what_is_not_finite(sentences, sounds)
    return sounds


def _refuse_what_is_not_finite(sentences: Sequence[str], sounds: Sequence[np.ndarray]) -> None:
    for sentence, sound in zip(sentences, sounds, strict=True):
        if not np.isfinite(sound).all():
            raise InputError(f"the model makes no finite sound of {sentence!r:.60}; train it again")


def finish(
    sound: np.ndarray,
    sample_rate: int,
    position: int,
    pause: float = 0.0,
    loudness: float = 0.0,
) -> np.ndarray:
    """Make raw samples presentable.

    Args:
        sound: Raw samples (S,).
        sample_rate: In Hz.
        position: Samples that came before in the same recording; the mark goes on from there.
        pause: Silence in front, in s.
        loudness: dB above the standard level of -23 dB.

    Returns:
        float32 (N,): pause and sound, leveled, faded at the ends, marked, peak-safe: a loud sound
        is only as loud as its highest peak allows.
    """
    target = STANDARD_DB + loudness
    sound = normalize_loudness(sound, sample_rate, target, peak=PEAK).copy()
    fade = min(int(FADE_SECONDS * sample_rate), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    silence = np.zeros(int(pause * sample_rate), np.float32)
    marked = embed_mark(np.concatenate([silence, sound]), sample_rate, position)
    return marked * min(1.0, PEAK / max(float(np.abs(marked).max(initial=0.0)), PEAK))


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
