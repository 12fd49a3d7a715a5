"""Style sampler: conditional distributions over the style space, p(z | condition).

One face or one sentence fits many voices. A regression answers with their average, which is
nobody's voice; the sampler answers with a distribution inside the style space, so a seed picks one
voice and the mean remains as the stable default.

Inside, a style is scaled by sqrt(D) so that each component has unit variance, like the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.networks.sphere import leave_sphere
from mmtts.networks.style_law import GaussianMixture, Point, RectifiedFlow

LAWS = ("flow", "mixture", "point")
MEAN_DRAWS = 128  # behind a mean that a score weighs


class StyleSampler(nn.Module):
    """p(z | condition) on the unit sphere of the style space, with classifier-free guidance.

    Args:
        style_dim: D, of the style.
        condition_dim: C, of the condition; None for D.
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

    center: Tensor

    def __init__(
        self,
        style_dim: int = 256,
        condition_dim: int | None = None,
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
        condition_dim = style_dim if condition_dim is None else condition_dim
        self.config = {
            "style_dim": style_dim,
            "condition_dim": condition_dim,
            "law": law,
            "width": width,
            "depth": depth,
            "dropout": dropout,
            "condition_dropout": condition_dropout,
            "components": components,
        }
        self.style_dim, self.condition_dropout = style_dim, condition_dropout
        self.null = nn.Parameter(torch.zeros(condition_dim))
        self.register_buffer("center", torch.zeros(style_dim))
        self.law: RectifiedFlow | GaussianMixture | Point
        if law == "flow":
            self.law = RectifiedFlow(style_dim, condition_dim, width, depth, dropout)
        elif law == "mixture":
            self.law = GaussianMixture(style_dim, condition_dim, width, depth, dropout, components)
        else:
            self.law = Point(style_dim, condition_dim, width, depth, dropout)

    @torch.no_grad()
    def fit(self, z: Tensor, condition: Tensor | None = None) -> None:
        """Let the law start from training styles.

        Args:
            z: `(n, D)`.
            condition: Unit vectors `(n, C)`, made by an encoder that never saw the person; None
                lets the law start without them.
        """
        self.center.copy_(z.mean(0))
        if not isinstance(self.law, RectifiedFlow):
            return
        c = None if condition is None else self._scaled(condition)[0]
        self.law.fit(z * math.sqrt(self.style_dim), c)
        if c is not None:
            self.null.copy_(c.mean(0))

    def loss(self, z: Tensor, condition: Tensor) -> Tensor:
        """How badly the law explains styles `(B, D)` under conditions `(B, C)`: a scalar."""
        hidden = torch.rand(z.shape[0], 1, device=z.device) < self.condition_dropout
        c = torch.where(hidden & self.training, self.null, self._scaled(condition)[0])
        return self.law.loss(z * math.sqrt(self.style_dim), c)

    def sample(
        self,
        condition: Tensor,
        n_samples: int = 1,
        guidance: float = 1.0,
        steps: int = 4,
        generator: torch.Generator | None = None,
        candidates: int = 1,
        score: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Draw styles.

        With candidates it generates and retrieves: of so many draws the one with the highest score
        is kept. That holds a draw to its condition at less cost in variety than guidance.

        Args:
            condition: Unit vectors `(B, C)`.
            n_samples: Draws per condition, >= 1.
            guidance: 0 forgets the condition, 1 is the learned law, more follows it more strictly.
            steps: Midpoint steps of the flow, >= 1.
            generator: Source of the noise, on the condition's device.
            candidates: Draws behind each result, >= 1.
            score: Of styles `(B, n_samples, candidates, D)`, one for each. By default how near they
                lie to the condition, seen from the mean style; the condition must then be a point
                of the style space, or of its first C numbers.

        Returns:
            Unit vectors `(B, n_samples, D)`.

        Raises:
            ValueError: A number is out of its range.
        """
        if min(n_samples, steps, candidates) < 1:
            raise ValueError(
                "n_samples, steps and candidates must be positive, "
                f"got {n_samples}, {steps} and {candidates}"
            )
        count = n_samples * candidates
        x = self.law.sample(*self._scaled(condition), count, guidance, steps, generator)
        x = F.normalize(x, dim=-1).view(-1, n_samples, candidates, self.style_dim)
        if candidates == 1:
            return x[:, :, 0]
        scores = self.nearness(x, condition[:, None, None]) if score is None else score(x)
        best = scores.argmax(-1)
        return x.take_along_dim(best[..., None, None], dim=2)[:, :, 0]

    def nearness(self, z: Tensor, condition: Tensor) -> Tensor:
        """Cosine of styles (..., D) and conditions (..., C), both seen from the mean style."""
        shared = min(z.shape[-1], condition.shape[-1])
        center = self.center[:shared]
        # The condition is a unit vector where the style's part is as long as its share.
        share = z[..., :shared].norm(dim=-1, keepdim=True).mean()
        return F.cosine_similarity(
            z[..., :shared] - center, share * condition[..., :shared] - center, dim=-1
        )

    def mean(
        self,
        condition: Tensor,
        guidance: float = 1.0,
        score: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        """The stable default: towards the conditional mean, as far out as styles are.

        The conditional mean itself lies inside the sphere, and near the mean of all styles where a
        condition says little; scaled to length 1 it would be nearly that.

        Args:
            condition: Unit vectors `(B, C)`.
            guidance: As for `sample`.
            score: Logarithm of a likelihood of styles `(B, n, D)`, one for each: the mean is then
                that of the posterior, by importance weights over the same draws every time.

        Returns:
            Unit vectors `(B, D)`.
        """
        if score is None:
            mean = self.law.mean(*self._scaled(condition), guidance) / math.sqrt(self.style_dim)
        else:
            generator = torch.Generator(device=condition.device).manual_seed(0)
            draws = self.sample(condition, MEAN_DRAWS, guidance, generator=generator)
            mean = (score(draws).softmax(-1)[..., None] * draws).sum(1)
        return leave_sphere(self.center, mean - self.center)

    def _scaled(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Condition and null condition in the law's scale, both `(B, C)`."""
        return condition * math.sqrt(condition.shape[-1]), self.null.expand_as(condition)
