"""Plan: what is to be said, and when, before anything is said; and what came of it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Plan(NamedTuple):
    """What is to be said, and when.

    Attributes:
        hidden: hidden states of the phonemes (B, N, D).
        prior: mel prior of the phonemes (B, N, M), in normalized mel units.
        durations: frames of each phoneme int64 (B, N).
        z: style as the decoder takes it (B, style_dim): both parts with their shares, and the
            accent.
    """

    hidden: Tensor
    prior: Tensor
    durations: Tensor
    z: Tensor


class SynthesizedMel(NamedTuple):
    """What the acoustic model speaks."""

    mel: Tensor  # natural-log mel (B, T, M)
    mel_lens: Tensor  # int64 (B,)
    durations: Tensor  # frames of each phoneme int64 (B, N)
