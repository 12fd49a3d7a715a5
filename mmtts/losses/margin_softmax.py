"""Additive-margin softmax: identity classification on the unit sphere.

Source: Wang et al. 2018 (arXiv 1801.05599), equation 6. With more people than a step can compare
with, a sample of them stands for all (Partial FC, An et al. 2022, arXiv 2203.15565).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.losses.gathering import global_max, global_mean


def margin_softmax(
    z: Tensor, weight: Tensor, labels: Tensor, scale: float = 30.0, margin: float = 0.2
) -> Tensor:
    """Cross-entropy of scaled cosines, the true class handicapped by a margin.

    Args:
        z: embeddings (B, D), any length.
        weight: class directions W (C, D), any length.
        labels: class of each embedding int64 (B,); -1 for those of none, which do not count.
        scale: s, the inverse temperature.
        margin: m, subtracted from the cosine of the true class.

    Returns:
        Scalar, the mean over the global batch; 0 where nothing counts.
    """
    # Sums of floats depend on their order, and here the parts of this loss's gradient add up before
    # they meet those of other losses.
    z = z.view_as(z)
    cosines = F.normalize(z.float(), dim=-1) @ F.normalize(weight.float(), dim=-1).T
    handicap = torch.full_like(labels, -margin, dtype=cosines.dtype)
    # Not by a matrix of zeros and ones: with many classes it would be the largest of all.
    logits = scale * cosines.scatter_add(1, labels.clamp(min=0)[:, None], handicap[:, None])
    count = (labels >= 0).sum()
    total = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum")
    return global_mean(total / count.clamp(min=1), count)


def sample_classes(labels: Tensor, n_classes: int, size: int, seed: int, step: int) -> Tensor:
    """Choose the classes of the global batch, and others at random to tell them from.

    Nothing waits for the device. Every process chooses the same.

    Args:
        labels: int64 (B,) of the own share; -1 for none.
        n_classes: C.
        size: how many to choose; the batch's own are among them as far as there is room.
        seed: of the draw, with ...
        step: ... the step.

    Returns:
        int64 (size,), ascending.
    """
    drawn = np.random.SeedSequence([seed, step]).generate_state(1)
    generator = torch.Generator(device=labels.device).manual_seed(int(drawn[0]))
    rank = torch.rand(n_classes + 1, generator=generator, device=labels.device)
    present = torch.zeros(n_classes + 1, dtype=torch.uint8, device=labels.device)
    present[labels] = 1  # that of -1 is the last, and no class
    return (rank + global_max(present))[:-1].topk(size).indices.sort().values


class AMSoftmax(nn.Module):
    """The class-weight matrix W with its margin softmax; one W may serve several modalities.

    Args:
        style_dim: D.
        n_classes: C, number of people.
        scale: inverse temperature s.
        margin: margin m.
        sampled: how many people a step of training tells apart, those of the global batch and
            others at random; None for all. It should be several times the global batch: who finds
            no room does not count.
        seed: of the draw.

    Raises:
        ValueError: fewer than two people are to be told apart.
    """

    def __init__(
        self,
        style_dim: int,
        n_classes: int,
        scale: float = 30.0,
        margin: float = 0.2,
        sampled: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if sampled is not None and sampled < 2:
            raise ValueError(f"sampled must be at least 2, or None for all, not {sampled}")
        self.config = {
            "style_dim": style_dim,
            "n_classes": n_classes,
            "scale": scale,
            "margin": margin,
        }
        self.scale = scale
        self.margin = margin
        self.sampled, self.seed = sampled, seed
        self.weight = nn.Parameter(F.normalize(torch.randn(n_classes, style_dim), dim=-1))

    @torch.no_grad()
    def start_at(self, blocks: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Let W start at mean directions: blocks of embeddings (n, D) and their classes (n,)."""
        sums = torch.zeros_like(self.weight)
        for z, labels in blocks:
            sums.index_add_(0, labels, z)
        self.weight.copy_(F.normalize(sums, dim=-1))

    def forward(self, z: Tensor, labels: Tensor, step: int = 0) -> Tensor:
        """Loss of embeddings.

        Args:
            z: (B, D).
            labels: class of each int64 (B,); -1 for those of none, which do not count.
            step: of training; decides with whom they are compared, where not with all.

        Returns:
            Scalar, the mean over the global batch.
        """
        weight: Tensor = self.weight
        if self.sampled is not None and self.training:
            size = min(self.sampled, len(weight))
            chosen = sample_classes(labels, len(weight), size, self.seed, step)
            place = torch.searchsorted(chosen, labels).clamp(max=len(chosen) - 1)
            weight, labels = weight[chosen], torch.where(chosen[place] == labels, place, -1)
        return margin_softmax(z, weight, labels, self.scale, self.margin)
