"""Style sampler: conditional distributions over the style space, p(z | condition).

One face or one sentence fits many voices. A regression answers with their average, which is
nobody's voice; the sampler answers with a distribution inside the style space, so a seed picks one
voice and the mean remains as the stable default.

Inside, a style is scaled by sqrt(D) so that each component has unit variance, like the noise.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.networks.style_law import GaussianMixture, Point, RectifiedFlow

LAWS = ("flow", "mixture", "point")


class StyleSampler(nn.Module):
    """p(z | condition) on the unit sphere of the style space, with classifier-free guidance.

    Args:
        style_dim: D, of the style and of the condition.
        law: "flow", "mixture" or "point".
        width: Hidden width.
        depth: Number of hidden blocks.
        dropout: Inside the blocks.
        condition_dropout: Probability that training hides the condition, which teaches the
            unconditional law that guidance needs.
        components: Of the mixture; the other laws ignore it.

    Raises:
        ValueError: The law is unknown.
    """

    def __init__(
        self,
        style_dim: int = 256,
        law: str = "flow",
        width: int = 256,
        depth: int = 3,
        dropout: float = 0.1,
        condition_dropout: float = 0.1,
        components: int = 10,
    ) -> None:
        super().__init__()
        if law not in LAWS:
            raise ValueError(f"law must be one of {LAWS}, got {law!r}")
        self.config = {
            "style_dim": style_dim,
            "law": law,
            "width": width,
            "depth": depth,
            "dropout": dropout,
            "condition_dropout": condition_dropout,
            "components": components,
        }
        self.style_dim, self.condition_dropout = style_dim, condition_dropout
        self.null = nn.Parameter(torch.zeros(style_dim))
        self.law: RectifiedFlow | GaussianMixture | Point
        if law == "flow":
            self.law = RectifiedFlow(style_dim, width, depth, dropout)
        elif law == "mixture":
            self.law = GaussianMixture(style_dim, width, depth, dropout, components)
        else:
            self.law = Point(style_dim, width, depth, dropout)

    def fit(self, z: Tensor) -> None:
        """Let the law start from all training styles `(n, D)`, whatever their condition."""
        if isinstance(self.law, RectifiedFlow):
            self.law.fit(z * math.sqrt(self.style_dim))

    def loss(self, z: Tensor, condition: Tensor) -> Tensor:
        """How badly the law explains styles `(B, D)` under conditions `(B, D)`: a scalar."""
        root = math.sqrt(self.style_dim)
        hidden = torch.rand(z.shape[0], 1, device=z.device) < self.condition_dropout
        c = torch.where(hidden & self.training, self.null, condition * root)
        return self.law.loss(z * root, c)

    def sample(
        self,
        condition: Tensor,
        n_samples: int = 1,
        guidance: float = 1.0,
        steps: int = 8,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw styles.

        Args:
            condition: Unit vectors `(B, D)`.
            n_samples: Draws per condition, >= 1.
            guidance: 0 forgets the condition, 1 is the learned law, more follows it more strictly.
            steps: Midpoint steps of the flow, >= 1.
            generator: Source of the noise, on the condition's device.

        Returns:
            Unit vectors `(B, n_samples, D)`.

        Raises:
            ValueError: A number is out of its range.
        """
        if n_samples < 1 or steps < 1:
            raise ValueError(f"n_samples and steps must be positive, got {n_samples} and {steps}")
        c, null = self._scaled(condition)
        c, null = (x.repeat_interleave(n_samples, dim=0) for x in (c, null))
        x = self.law.sample(c, null, guidance, steps, generator)
        return F.normalize(x, dim=-1).view(-1, n_samples, self.style_dim)

    def mean(self, condition: Tensor, guidance: float = 1.0) -> Tensor:
        """Direction of the conditional mean: the stable default. `(B, D)` -> unit `(B, D)`."""
        return F.normalize(self.law.mean(*self._scaled(condition), guidance), dim=-1)

    def _scaled(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Condition and null condition in the law's scale, both `(B, D)`."""
        return condition * math.sqrt(self.style_dim), self.null.expand_as(condition)
