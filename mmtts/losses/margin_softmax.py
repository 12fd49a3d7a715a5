"""Additive-margin softmax: identity classification on the unit sphere.

Source: Wang et al. 2018 (arXiv 1801.05599), equation 6.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def margin_softmax(
    z: Tensor, weight: Tensor, labels: Tensor, scale: float = 30.0, margin: float = 0.2
) -> Tensor:
    """Cross-entropy of scaled cosines, the true class handicapped by a margin.

    Args:
        z: embeddings (B, D), any length.
        weight: class directions W (C, D), any length.
        labels: class of each embedding int64 (B,).
        scale: s, the inverse temperature.
        margin: m, subtracted from the cosine of the true class.

    Returns:
        Scalar, the mean over the batch.
    """
    cosines = F.normalize(z.float(), dim=-1) @ F.normalize(weight.float(), dim=-1).T
    handicap = margin * F.one_hot(labels, weight.shape[0]).to(cosines.dtype)
    return F.cross_entropy(scale * (cosines - handicap), labels)


class AMSoftmax(nn.Module):
    """The class-weight matrix W with its margin softmax; one W may serve several modalities.

    Args:
        style_dim: D.
        n_classes: C, number of people.
        scale: inverse temperature s.
        margin: margin m.
    """

    def __init__(
        self, style_dim: int, n_classes: int, scale: float = 30.0, margin: float = 0.2
    ) -> None:
        super().__init__()
        self.config = {
            "style_dim": style_dim,
            "n_classes": n_classes,
            "scale": scale,
            "margin": margin,
        }
        self.scale = scale
        self.margin = margin
        self.weight = nn.Parameter(F.normalize(torch.randn(n_classes, style_dim), dim=-1))

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """Loss of embeddings z (B, D) with classes int64 (B,): scalar."""
        return margin_softmax(z, self.weight, labels, self.scale, self.margin)
