"""Monotonic alignment search: the most likely way to lay phonemes over mel frames.

Source: Kim et al. 2020, Glow-TTS (arXiv 2005.11129), algorithm 1. Extended by a window of frames
    per phoneme, so that word times known from a recognizer can guide the search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from monotonic_alignment_search.core import maximum_path_c
from torch import Tensor

# Far below any log-likelihood of a path, and finite, so that sums of it stay ordered.
_FORBIDDEN = -1e9


class Alignment(NamedTuple):
    """Phonemes laid over frames."""

    path: Tensor  # phoneme of each frame int64 (B, T)
    durations: Tensor  # frames of each phoneme int64 (B, N)


def log_likelihood(mel: Tensor, prior: Tensor) -> Tensor:
    """Log-density of each frame under each phoneme's unit-variance Gaussian, up to a constant.

    Args:
        mel: (B, T, M).
        prior: means (B, N, M).

    Returns:
        (B, N, T).
    """
    cross = prior @ mel.transpose(1, 2)
    return cross - 0.5 * (prior**2).sum(-1).unsqueeze(2) - 0.5 * (mel**2).sum(-1).unsqueeze(1)


def restrict_to_windows(scores: Tensor, first_frame: Tensor, last_frame: Tensor) -> Tensor:
    """Forbid frames outside each phoneme's window.

    Args:
        scores: (B, N, T).
        first_frame: first allowed frame int64 (B, N).
        last_frame: one past the last allowed frame int64 (B, N).

    Returns:
        (B, N, T).
    """
    frames = torch.arange(scores.shape[2], device=scores.device)
    inside = (frames >= first_frame.unsqueeze(-1)) & (frames < last_frame.unsqueeze(-1))
    return scores.masked_fill(~inside, _FORBIDDEN)


@torch.no_grad()
def search_alignment(scores: Tensor, phoneme_lens: Tensor, mel_lens: Tensor) -> Tensor:
    """Find the monotonic path of the largest total score.

    Each frame belongs to one phoneme, each phoneme has at least one frame, and the order is kept.
    Of two paths with the same score, the one that enters the later phoneme earlier is found.

    The recurrence is compiled (package `monotonic-alignment-search`) and runs on the CPU whatever
    the device of the scores: a GPU would spend more on one launch per frame than on the copy.

    Args:
        scores: (B, N, T).
        phoneme_lens: int64 (B,), from 1 to N.
        mel_lens: int64 (B,), from phoneme_lens to T.

    Returns:
        Index of the phoneme of each frame, int64 (B, T); frames past mel_lens hold the last
        phoneme.

    Raises:
        ValueError: a row has fewer frames than phonemes, or lengths do not fit the scores.
    """
    n_rows, n_phonemes, n_frames = scores.shape
    sizes, lengths = (x.cpu().numpy().astype(np.int32) for x in (phoneme_lens, mel_lens))
    if (lengths < sizes).any():
        raise ValueError(
            "a clip has fewer mel frames than phonemes; leave it out or shorten its text"
        )
    # The compiled code checks no bounds.
    inside = (sizes >= 1) & (sizes <= n_phonemes) & (lengths <= n_frames)
    if inside.shape != (n_rows,) or not inside.all():
        raise ValueError(f"lengths do not fit scores of shape {tuple(scores.shape)}")
    totals = np.array(scores.float().cpu().numpy(), order="C")  # a copy: it is overwritten
    laid = np.zeros(totals.shape, np.int32)
    # What cannot be reached must lie below every sum, of forbidden frames too.
    maximum_path_c(laid, totals, sizes, lengths, 2.0 * _FORBIDDEN * n_frames)
    ends = torch.from_numpy(laid.sum(axis=2, dtype=np.int64).cumsum(axis=1))
    frames = torch.arange(n_frames).expand(n_rows, -1).contiguous()
    path = torch.searchsorted(ends, frames, right=True).to(scores.device)
    return torch.minimum(path, phoneme_lens.unsqueeze(1) - 1)


def durations_from_path(path: Tensor, mel_lens: Tensor, n_phonemes: int) -> Tensor:
    """Count the frames of each phoneme.

    Args:
        path: phoneme of each frame int64 (B, T).
        mel_lens: int64 (B,).
        n_phonemes: N.

    Returns:
        int64 (B, N), summing to mel_lens.
    """
    valid = torch.arange(path.shape[1], device=path.device)[None, :] < mel_lens[:, None]
    durations = torch.zeros((path.shape[0], n_phonemes), dtype=torch.long, device=path.device)
    return durations.scatter_add_(1, path, valid.long())


def path_from_durations(durations: Tensor) -> Tensor:
    """Lay phonemes over frames.

    Args:
        durations: frames of each phoneme int64 (B, N).

    Returns:
        Phoneme of each frame int64 (B, T), T the longest row; frames past a row's end hold its last
        phoneme.
    """
    ends = durations.cumsum(dim=1)
    frames = torch.arange(int(ends[:, -1].max()), device=durations.device)
    path = torch.searchsorted(ends, frames.expand(len(ends), -1).contiguous(), right=True)
    last = (durations > 0).long().cumsum(dim=1).argmax(dim=1, keepdim=True)
    return torch.minimum(path, last)


def lay_out(values: Tensor, path: Tensor) -> Tensor:
    """Repeat the values (B, N, D) of phonemes over their frames, path int64 (B, T): (B, T, D)."""
    return values.gather(1, path.unsqueeze(-1).expand(-1, -1, values.shape[-1]))
