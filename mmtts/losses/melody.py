"""The loss of a network that foresees how high each frame is spoken."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from mmtts.losses.gathering import global_mean
from mmtts.networks.melody import SPREAD, Melody


def melody_loss(predicted: Melody, spoken: Melody, mask: Tensor) -> Tensor:
    """Squared distance of the pitch where there is a voice, and cross-entropy of the voice.

    Args:
        predicted: with logits in place of `voiced`.
        spoken: what was measured.
        mask: bool (B, T), True = valid.

    Returns:
        Scalar; the pitch counts in units of a third of an octave.
    """
    voiced = spoken.voiced * mask
    distance = (predicted.log_pitch.float() - spoken.log_pitch) / SPREAD
    pitch = (distance.square() * voiced).sum() / voiced.sum().clamp_min(1.0)
    entropy = F.binary_cross_entropy_with_logits(
        predicted.voiced.float(), spoken.voiced, reduction="none"
    )
    voice = (entropy * mask).sum() / mask.sum().clamp_min(1)
    return global_mean(pitch, voiced.sum()) + global_mean(voice, mask.sum())
