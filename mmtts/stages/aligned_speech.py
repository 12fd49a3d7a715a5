"""A batch of speech as the acoustic model sees it: its styles, and its phonemes over its frames."""

from __future__ import annotations

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


@torch.no_grad()
def expected_speech(model: AcousticModel, batch: SpeechBatch) -> tuple[Tensor, Tensor, Tensor]:
    """What a trained model expects of clips, said when and as high as they were.

    Args:
        model: the acoustic model.
        batch: clips that all have a transcript.

    Returns:
        Mel prior of the frames (B, T, M) in normalized mel units, accented z (B, D), and which
        frames are spoken, bool (B, T).
    """
    z = model.accented(batch_styles(model, batch)[1], batch.accent)
    mel = model.normalize(batch.mel)
    phoneme_mask = mask_from_lens(batch.phoneme_lens, batch.phonemes.shape[1])
    hidden, prior = model.text_encoder(batch.phonemes, phoneme_mask, z)
    path, durations = align_batch(batch, mel, prior)
    expected = spoken_prior(model, batch, Plan(hidden, prior, durations, z), path)
    return expected, z, mask_from_lens(batch.mel_lens, mel.shape[1])
