"""Laws of the style sampler: families of conditional distributions p(x | c) over R^D.

- `RectifiedFlow`, the method: noise is carried to data along straight lines (Liu et al. 2022);
- `GaussianMixture`, the mixture density network of PromptTTS++ (Shimizu et al. 2023), a baseline;
- `Point`, plain regression, the ablation.

All share `loss(x, c)`, `sample(c, null, count, guidance, steps, generator)` and `mean(c, null,
guidance)`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.networks.guidance import extrapolate, guided

SLOPE_PENALTY = 1.0  # in units of the condition's mean variance
MEAN_DRAWS = 8  # antithetic pairs of noise behind the flow's conditional mean


class AdaptiveBlock(nn.Module):
    """Residual MLP whose layer norm is scaled, shifted and gated by the condition (AdaLN-zero)."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(width, 3 * width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map `(..., W)` to `(..., W)` under conditions `(..., W)`; at first the identity."""
        scale, shift, gate = self.modulation(F.silu(condition)).chunk(3, dim=-1)
        return x + gate * self.mlp(self.norm(x) * (1 + scale) + shift)


class RectifiedFlow(nn.Module):
    """A velocity field v(x_t, t, c) that carries noise x_0 to data x_1 along x_1 - x_0.

    If the data were Gaussian with mean m and variances l along the principal axes, the field would
    be known: with d = x_t - t m and s^2 = t^2 l + (1 - t)^2,

        v = m + d (t l - (1 - t)) / s^2,        Var(v | x_t) = l / s^2.

    The network learns what is left over, in these units: it sees d / s and its output is scaled by
    sqrt(l) / s. So the flow starts as a Gaussian whose mean is linear in the condition, and no
    capacity is spent on the many directions in which voices do not differ.
    """

    frequencies: Tensor
    center: Tensor
    origin: Tensor
    slope: Tensor
    axes: Tensor
    variances: Tensor

    def __init__(
        self, dim: int, condition_dim: int, width: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer(
            "frequencies", torch.exp(torch.linspace(0, math.log(100.0), width // 2)), False
        )
        self.register_buffer("center", torch.zeros(dim))
        self.register_buffer("origin", torch.zeros(condition_dim))
        self.register_buffer("slope", torch.zeros(condition_dim, dim))
        self.register_buffer("axes", torch.eye(dim))
        self.register_buffer("variances", torch.ones(dim))
        self.time = nn.Sequential(
            nn.Linear(2 * (width // 2), width), nn.SiLU(), nn.Linear(width, width)
        )
        self.condition = nn.Linear(condition_dim, width)
        self.input = nn.Linear(dim, width)
        self.blocks = nn.ModuleList(AdaptiveBlock(width, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, dim)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    @torch.no_grad()
    def fit(self, x: Tensor, c: Tensor | None = None) -> None:
        """Start at the Gaussian of data `(n, D)`, given conditions `(n, C)` where there are any.

        The mean follows the condition by `SLOPE_PENALTY`'s ridge regression; without a condition
        it is that of all data.
        """
        center = x.mean(0)
        away = x - center
        if c is not None:
            self.origin.copy_(c.mean(0))
            self.slope.copy_(_slope((c - self.origin).double(), away.double()))
            away = away - (c - self.origin) @ self.slope
        variances, axes = torch.linalg.eigh((away.T @ away / len(away)).double())
        self.center.copy_(center)
        self.axes.copy_(axes)
        # A direction without any variance in the sample still has a little in truth.
        self.variances.copy_(variances.clamp(min=1e-3 * float(variances.mean())))

    def velocity(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """Velocity at points (..., D), times (...) in [0, 1] and conditions (..., C): (..., D).

        These shapes may differ where they broadcast: many points may share one condition, which is
        then looked at once.
        """
        angle = math.tau * t[..., None] * self.frequencies
        condition = self.time(torch.cat([angle.sin(), angle.cos()], -1)) + self.condition(c)
        t = t[..., None]
        power = t.square() * self.variances + (1 - t).square()
        center = self.center + (c - self.origin) @ self.slope
        d = (x - t * center) @ self.axes
        h = self.input(d / power.sqrt())
        for block in self.blocks:
            h = block(h, condition)
        gaussian = d * (t * self.variances - (1 - t)) / power
        residual = self.output(self.norm(h)) * (self.variances / power).sqrt()
        return center + (gaussian + residual) @ self.axes.T

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """Mean squared error of the velocity on random points of random lines.

        A tenth of the times is exactly 0, where the velocity knows the conditional mean.
        """
        noise = torch.randn_like(x)
        t = torch.rand(x.shape[0], device=x.device, dtype=x.dtype)
        t = t * (torch.rand_like(t) > 0.1)
        point = torch.lerp(noise, x, t[:, None])
        return F.mse_loss(self.velocity(point, t, c), x - noise)

    def guided(self, x: Tensor, t: float, c: Tensor, null: Tensor, guidance: float) -> Tensor:
        """Velocity at one time under classifier-free guidance; shapes as for `velocity`."""
        time = x.new_full(c.shape[:-1], t)
        return guided(lambda condition: self.velocity(x, time, condition), c, null, guidance)

    def sample(
        self,
        c: Tensor,
        null: Tensor,
        count: int,
        guidance: float,
        steps: int,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Carry noise to the data by the midpoint rule, `count` draws per row: `(B, count, D)`."""
        x = noise_for(c, count, self.dim, generator)
        c, null = c[:, None], null[:, None]
        for k in range(steps):
            t, dt = k / steps, 1.0 / steps
            middle = x + 0.5 * dt * self.guided(x, t, c, null, guidance)
            x = x + dt * self.guided(middle, t + 0.5 * dt, c, null, guidance)
        return x

    def mean(self, c: Tensor, null: Tensor, guidance: float) -> Tensor:
        """Conditional mean `(B, D)`, without integration.

        Where the law was fitted to conditions, the mean of that fit: the network, which learns for
        likelihood, tells groups of voices better than people. Else the network's own. At t = 0 the
        noise says nothing about the data, so v(x_0, 0, c) = E[x_1 | c] - x_0 whatever x_0 is; the
        average over fixed antithetic noise cancels x_0 and most of the network's error.
        """
        if self.slope.any():
            return self.center + guidance * (c - self.origin) @ self.slope
        generator = torch.Generator(device=c.device).manual_seed(0)
        half = torch.randn(MEAN_DRAWS, self.dim, generator=generator, device=c.device)
        noise = torch.cat([half, -half]).to(c.dtype)
        return self.guided(noise, 0.0, c[:, None], null[:, None], guidance).mean(1)


def _slope(c: Tensor, x: Tensor) -> Tensor:
    """Ridge regression of data `(n, D)` on conditions `(n, C)`, both without their means: `(C, D)`.

    Conditions may point away from the average voice more sharply than any voice lies, so the data
    say where to. With `SLOPE_PENALTY` 1 the slope is half of that of least squares where all
    conditions vary alike, more in directions in which they vary more, and less in the others.
    """
    gram = c.T @ c
    gram.diagonal().add_(SLOPE_PENALTY * gram.trace() / len(gram) + 1e-12)
    return torch.linalg.solve(gram, c.T @ x)


class GaussianMixture(nn.Module):
    """K Gaussians with diagonal covariance whose parameters are a function of the condition."""

    def __init__(
        self,
        dim: int,
        condition_dim: int,
        width: int,
        depth: int,
        dropout: float,
        components: int = 10,
    ) -> None:
        super().__init__()
        self.dim, self.components = dim, components
        layers: list[nn.Module] = []
        for k in range(depth):
            layers += [
                nn.Linear(width if k else condition_dim, width),
                nn.GELU(),
                nn.Dropout(dropout),
            ]
        self.trunk = nn.Sequential(*layers)
        self.weights = nn.Linear(width, components)
        self.means = nn.Linear(width, components * dim)
        self.log_scales = nn.Linear(width, components * dim)
        nn.init.zeros_(self.log_scales.weight)
        nn.init.zeros_(self.log_scales.bias)

    def parameters_of(self, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights `(B, K)`, means `(B, K, D)` and log standard deviations `(B, K, D)`."""
        h = self.trunk(c)
        shape = (-1, self.components, self.dim)
        log_scales = self.log_scales(h).view(shape).clamp(-5.0, 2.0)
        return self.weights(h).log_softmax(-1), self.means(h).view(shape), log_scales

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """Negative log-likelihood in nats per dimension."""
        log_weights, means, log_scales = self.parameters_of(c)
        deviation = (x[:, None] - means) * (-log_scales).exp()
        log_p = -0.5 * (deviation.square() + math.log(math.tau)) - log_scales
        return -torch.logsumexp(log_weights + log_p.sum(-1), dim=-1).mean() / self.dim

    def sample(
        self,
        c: Tensor,
        null: Tensor,
        count: int,
        guidance: float,
        steps: int,
        generator: torch.Generator | None,
    ) -> Tensor:
        """Draw components, then a point of each: `(B, count, D)`. Steps play no part.

        Guidance moves every mean and log weight away from the unconditional ones.
        """
        log_weights, means, log_scales = self.parameters_of(c)
        if guidance != 1.0:
            free_weights, free_means, _ = self.parameters_of(null)
            log_weights = extrapolate(free_weights, log_weights, guidance)
            means = extrapolate(free_means, means, guidance)
        choice = torch.multinomial(log_weights.softmax(-1), count, True, generator=generator)
        index = choice[:, :, None].expand(-1, -1, self.dim)
        mean, log_scale = means.gather(1, index), log_scales.gather(1, index)
        return mean + log_scale.exp() * noise_for(c, count, self.dim, generator)

    def mean(self, c: Tensor, null: Tensor, guidance: float) -> Tensor:
        """Mean of the mixture `(B, D)`, moved away from the unconditional one by guidance."""

        def mean_under(condition: Tensor) -> Tensor:
            log_weights, means, _ = self.parameters_of(condition)
            return (log_weights.exp()[:, :, None] * means).sum(1)

        return guided(mean_under, c, null, guidance)


class Point(nn.Module):
    """Regression: the whole distribution is one point, whatever the seed."""

    def __init__(
        self, dim: int, condition_dim: int, width: int, depth: int, dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for k in range(depth):
            wide = width if k else condition_dim
            layers += [nn.Linear(wide, width), nn.GELU(), nn.Dropout(dropout)]
        self.network = nn.Sequential(*layers, nn.Linear(width if depth else condition_dim, dim))

    def loss(self, x: Tensor, c: Tensor) -> Tensor:
        """Mean squared error."""
        return F.mse_loss(self.network(c), x)

    def sample(
        self,
        c: Tensor,
        null: Tensor,
        count: int,
        guidance: float,
        steps: int,
        generator: torch.Generator | None,
    ) -> Tensor:
        """The same point for every draw: `(B, count, D)`."""
        return self.mean(c, null, guidance)[:, None].expand(-1, count, -1)

    def mean(self, c: Tensor, null: Tensor, guidance: float) -> Tensor:
        """The point `(B, D)`, moved away from the unconditional one by guidance."""
        return guided(self.network, c, null, guidance)


def noise_for(c: Tensor, count: int, dim: int, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise `(B, count, dim)` for conditions `(B, C)`, of their type and device."""
    return torch.randn(len(c), count, dim, generator=generator, device=c.device, dtype=c.dtype)
