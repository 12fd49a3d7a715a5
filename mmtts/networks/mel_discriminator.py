"""Mel discriminator: tells mels of recordings from those that a network expects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

_SLOPE = 0.2


class MelDiscriminator(nn.Module):
    """Convolutions over time and bands, judging patches of about a third of a second.

    Beside the mel it is shown what was expected before anybody sharpened it, so that it judges
    whether this is how that sounds, and not whether it is speech at all (as the joint conditional
    and unconditional discriminator of Yang et al. 2021, GANSpeech, arXiv 2106.15153).

    Args:
        widths: channels of the layers; all but the first and last halve both axes, the first one
            halves the bands alone.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 64, 96)) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"widths": list(widths)}
        strides = [(1, 2), *[(2, 2)] * (len(widths) - 2), (1, 1)]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, 5, stride=stride, padding=2))
            for (before, after), stride in zip(pairwise([2, *widths]), strides, strict=True)
        )
        self.output = weight_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, mel: Tensor, expected: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Judge normalized mels (B, T, M), 0 at padding, of which (B, T, M) was expected.

        Returns:
            A map of scores (B, 1, ., .), and the features of the layers.
        """
        x, features = torch.stack([mel, expected], dim=1), []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), _SLOPE)
            features.append(x)
        return self.output(x), features
