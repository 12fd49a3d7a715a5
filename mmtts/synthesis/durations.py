"""Guards of durations: a phoneme neither runs away into an endless vowel nor collapses.

A duration predictor meets sounds, voices and lengths of text in synthesis that it has not been
trained on, and the exponential behind it turns a small error into seconds. The limits are wider
than anything people do in the lab recipe's 5,845 aligned clips (39,154 words), learners reading
word by word among them, so that a sound prediction is never touched: of 10,708 durations that a
model trained on them predicts for 120 lines in 4 voices, the longest is 0.42 s.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.text.symbols import MARKERS

# Seconds at pace 1. The length of a word over its phonemes is 0.62 s at the 99.9th percentile (the
# word itself 1.42 s), and 0.015 s at the 0.1th, which is less than a frame of the aligner.
LONGEST_PHONEME = 0.6
SHORTEST_PHONEME = 0.02
# 99 % of the pauses between two words are at most 0.97 s; the longer ones are hesitations.
LONGEST_PAUSE = 1.2
# The mean phoneme of a sentence; the hastiest clip has 0.053 s.
HASTIEST_SENTENCE = 0.04


def limit_durations(frames: Tensor, phonemes: Tensor, frame_seconds: float) -> Tensor:
    """Keep predicted durations within what people do.

    Args:
        frames: Predicted durations at pace 1 (B, N), > 0; padding may hold anything.
        phonemes: Indices of a front end's symbols int64 (B, N), 0 for padding.
        frame_seconds: Length of a frame in s.

    Returns:
        Frames (B, N): every phoneme and pause within its limits, and the phonemes of a sentence
        stretched together where their mean is too short.
    """
    sound = phonemes >= len(MARKERS)
    gap = (phonemes > 0) & ~sound
    longest = torch.where(gap, LONGEST_PAUSE, LONGEST_PHONEME)
    shortest = torch.where(gap, 0.0, SHORTEST_PHONEME)
    seconds = torch.nan_to_num(frames * frame_seconds, nan=SHORTEST_PHONEME)
    seconds = torch.minimum(torch.maximum(seconds, shortest), longest)
    mean = (seconds * sound).sum(dim=1, keepdim=True) / sound.sum(dim=1, keepdim=True).clamp_min(1)
    stretch = (HASTIEST_SENTENCE / mean.clamp_min(SHORTEST_PHONEME)).clamp_min(1.0)
    return torch.where(sound, torch.minimum(seconds * stretch, longest), seconds) / frame_seconds
