"""A batch of speech as the acoustic model sees it: its styles, and its phonemes over its frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmtts.data.speech_batch import SpeechBatch
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.alignment import (
    Alignment,
    durations_from_path,
    lay_out,
    log_likelihood,
    restrict_to_windows,
    search_alignment,
)
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.melody import melody_of
from mmtts.networks.plan import Plan


def batch_styles(model: AcousticModel, batch: SpeechBatch) -> tuple[Tensor, Tensor]:
    """Who speaks in the references (B, S), and z (B, S + K) with the clips' own manner."""
    encoder = model.style_encoder
    who = encoder.who(model.normalize(batch.reference), batch.reference_lens, batch.voice)
    how = encoder.how(model.normalize(batch.manner), batch.manner_lens)
    return who, encoder.join(who, how)


def align_batch(batch: SpeechBatch, mel: Tensor, prior: Tensor) -> Alignment:
    """Lay the phonemes of a batch over its frames, each within its word where words are known.

    Args:
        batch: clips that all have a transcript.
        mel: normalized mel (B, T, M).
        prior: mel prior of the phonemes (B, N, M).
    """
    scores = log_likelihood(mel.float(), prior.detach().float())
    if batch.first_frame is not None and batch.last_frame is not None:
        scores = restrict_to_windows(scores, batch.first_frame, batch.last_frame)
    path = search_alignment(scores, batch.phoneme_lens, batch.mel_lens)
    return Alignment(path, durations_from_path(path, batch.mel_lens, prior.shape[1]))


def spoken_prior(model: AcousticModel, batch: SpeechBatch, plan: Plan, path: Tensor) -> Tensor:
    """Mel prior of the frames (B, T, M), of a model that uses it with the melody that was spoken.

    Args:
        model: the acoustic model.
        batch: clips that all have a transcript.
        plan: what they say when.
        path: phoneme of each frame int64 (B, T).
    """
    if model.frame_prior is None:
        return lay_out(plan.prior, path)
    return model.frame_prior(plan, path, melody_of(batch.pitch))


class AlignedSpeech(NamedTuple):
    """A batch as a trained model lays it out.

    Attributes:
        plan: what is said when, in which accented style z (B, D).
        path: phoneme of each frame int64 (B, T).
        mask: which frames are spoken, bool (B, T).
    """

    plan: Plan
    path: Tensor
    mask: Tensor


@torch.no_grad()
def align_speech(model: AcousticModel, batch: SpeechBatch) -> AlignedSpeech:
    """Lay out clips that all have a transcript, by a model that does not learn to."""
    z = model.accented(batch_styles(model, batch)[1], batch.accent)
    mel = model.normalize(batch.mel)
    phoneme_mask = mask_from_lens(batch.phoneme_lens, batch.phonemes.shape[1])
    hidden, prior = model.text_encoder(batch.phonemes, phoneme_mask, z)
    path, durations = align_batch(batch, mel, prior)
    mask = mask_from_lens(batch.mel_lens, mel.shape[1])
    return AlignedSpeech(Plan(hidden, prior, durations, z), path, mask)


@torch.no_grad()
def expected_speech(model: AcousticModel, batch: SpeechBatch) -> tuple[Tensor, AlignedSpeech]:
    """The mel prior of the frames (B, T, M) that a trained model has for clips, as they are said.

    Args:
        model: the acoustic model.
        batch: clips that all have a transcript.

    Returns:
        The prior in normalized mel units, and what it was made of.
    """
    aligned = align_speech(model, batch)
    return spoken_prior(model, batch, aligned.plan, aligned.path), aligned
