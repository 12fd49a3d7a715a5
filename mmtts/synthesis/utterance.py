"""One utterance: phonemes and a style become samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor

from mmtts import InputError
from mmtts.synthesis.durations import limit_durations
from mmtts.synthesis.manner import Manner, require_seed
from mmtts.synthesis.system_folder import Speaker
from mmtts.text import encode


def make_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Start a source of noise.

    Raises:
        InputError: The seed is negative or too large.
    """
    require_seed(seed)
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
