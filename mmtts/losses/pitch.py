"""The loss of a network that guesses the pitch of a mel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mmtts.losses.gathering import global_mean
from mmtts.networks.excitation import PITCH_BINS, pitch_position

_SPREAD = 1.2  # bins; the target is a bell around the pitch


def pitch_loss(logits: Tensor, pitch: Tensor, voiced: Tensor) -> Tensor:
    """Cross entropy of the pitch where there is a voice, plus that of the voicing.

    Args:
        logits: of a `PitchPredictor` (B, T, PITCH_BINS + 1).
        pitch: Hz (B, T).
        voiced: bool (B, T).

    Returns:
        A scalar.
    """
    bins = torch.arange(PITCH_BINS, device=logits.device)
    distance = (bins - pitch_position(pitch)[..., None]) / _SPREAD
    target = (-0.5 * distance.square()).softmax(-1)
    entropy = -(target * logits[..., :-1].log_softmax(-1)).sum(-1)
    of_pitch = (entropy * voiced).sum() / voiced.sum().clamp_min(1)
    of_voice = F.binary_cross_entropy_with_logits(logits[..., -1], voiced.to(logits))
    return global_mean(of_pitch, voiced.sum()) + global_mean(of_voice, len(voiced))
