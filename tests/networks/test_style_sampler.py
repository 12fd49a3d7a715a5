"""The style sampler: it finds every mode where regression finds none."""

import math

import pytest
import torch
from torch.nn import functional as F

from mmtts.networks.style_law import SLOPE_PENALTY, RectifiedFlow
from mmtts.networks.style_sampler import LAWS, StyleSampler

DIM = 16


def basis(k: int) -> torch.Tensor:
    return F.one_hot(torch.tensor(k), DIM).float()


def two_voices(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Condition e0 allows the voices e2 and e3, condition e1 only e4; little scatter."""
    which = torch.randint(0, 2, (n,))
    first = torch.rand(n) < 0.5
    z = torch.where(first[:, None], torch.stack([basis(2), basis(3)])[which], basis(4))
    z = F.normalize(z + 0.02 * torch.randn(n, DIM), dim=-1)
    return z, torch.where(first[:, None], basis(0), basis(1))


def trained(law: str, steps: int = 500) -> StyleSampler:
    torch.manual_seed(0)
    sampler = StyleSampler(DIM, law=law, width=64, depth=2, dropout=0.0, components=4)
    sampler.fit(two_voices(1000)[0])
    optimizer = torch.optim.Adam(sampler.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        sampler.loss(*two_voices(256)).backward()
        optimizer.step()
    return sampler.eval()


@pytest.fixture(scope="module")
def flow() -> StyleSampler:
    return trained("flow")


@torch.no_grad()
def shares(sampler: StyleSampler, condition: torch.Tensor, **options: float) -> list[float]:
    """Share of 400 draws within cosine 0.9 of each of the three voices."""
    z = sampler.sample(condition[None], 400, generator=torch.Generator().manual_seed(1), **options)[
        0
    ]
    return [(z @ basis(k) > 0.9).float().mean().item() for k in (2, 3, 4)]


def test_flow_finds_both_voices(flow: StyleSampler) -> None:
    first, second, other = shares(flow, basis(0))
    assert first > 0.35 and second > 0.35 and other < 0.02
    assert first + second > 0.9


def test_flow_follows_the_condition(flow: StyleSampler) -> None:
    assert shares(flow, basis(1))[2] > 0.95


def towards(mean: torch.Tensor, sampler: StyleSampler) -> float:
    """Whether a mean lies in the middle of e2 and e3, seen from the mean of all styles."""
    middle = 0.5 * (basis(2) + basis(3))
    return F.cosine_similarity(mean - sampler.center, middle - sampler.center, dim=0).item()


def test_regression_answers_with_nobody() -> None:
    sampler = trained("point")
    assert shares(sampler, basis(0)) == [0.0, 0.0, 0.0]
    mean = sampler.mean(basis(0)[None])[0]
    assert mean.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert towards(mean, sampler) > 0.98


def test_mixture_finds_both_voices() -> None:
    first, second, other = shares(trained("mixture", 800), basis(0))
    assert first > 0.2 and second > 0.2 and other < 0.02


def test_the_mean_is_the_conditional_mean(flow: StyleSampler) -> None:
    mean = flow.mean(torch.stack([basis(0), basis(1)]))
    assert towards(mean[0], flow) > 0.97
    assert (mean[1] @ basis(4)).item() > 0.97


def test_no_guidance_forgets_the_condition(flow: StyleSampler) -> None:
    third = shares(flow, basis(0), guidance=0.0)
    # without condition: half e4, a quarter each of e2 and e3
    assert third[2] == pytest.approx(0.5, abs=0.15)
    assert third[0] == pytest.approx(0.25, abs=0.15)
    generator = torch.Generator().manual_seed(0)
    a = flow.sample(basis(0)[None], guidance=0.0, generator=generator)
    b = flow.sample(basis(1)[None], guidance=0.0, generator=generator.manual_seed(0))
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("law", LAWS)
def test_shapes_seeds_and_norms(law: str) -> None:
    sampler = StyleSampler(DIM, 7, law, width=32, depth=1).eval()
    condition = F.normalize(torch.randn(3, 7), dim=-1)
    draw = [
        sampler.sample(condition, 5, 1.5, 2, torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    assert draw[0].shape == (3, 5, DIM)
    torch.testing.assert_close(draw[0].norm(dim=-1), torch.ones(3, 5))
    torch.testing.assert_close(draw[0], draw[1])
    assert (law == "point") == torch.allclose(draw[0], draw[2])
    torch.testing.assert_close(sampler.mean(condition), sampler.mean(condition))
    assert sampler.mean(condition).shape == (3, DIM)


def test_an_untrained_flow_draws_white_noise() -> None:
    """The preconditioned field of white noise carries white noise to white noise."""
    law = RectifiedFlow(DIM, DIM, 32, 1, 0.0)
    c = torch.zeros(2000, DIM)
    x = law.sample(c, c, 1, 1.0, 16, torch.Generator().manual_seed(0))[:, 0]
    assert x.mean().abs() < 0.03
    assert x.std().item() == pytest.approx(1.0, abs=0.03)


def test_a_fitted_flow_starts_as_the_gaussian_of_the_data() -> None:
    """Before any training the samples have the data's mean and covariance."""
    torch.manual_seed(0)
    center, spread = torch.randn(DIM), torch.randn(DIM, 3)
    x = center + torch.randn(4000, 3) @ spread.T + 0.05 * torch.randn(4000, DIM)
    law = RectifiedFlow(DIM, DIM, 32, 1, 0.0)
    law.fit(x)
    c = torch.zeros(4000, DIM)
    drawn = law.sample(c, c, 1, 1.0, 16, torch.Generator().manual_seed(0))[:, 0]
    torch.testing.assert_close(drawn.mean(0), center, atol=0.15, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), x.T.cov(), atol=0.4, rtol=0.1)
    torch.testing.assert_close(law.mean(c[:1], c[:1], 1.0)[0], x.mean(0), atol=1e-3, rtol=0)


def test_the_residual_of_gaussian_data_has_unit_variance() -> None:
    """Var(x_1 - x_0 | x_t) = l / (t^2 l + (1 - t)^2), which scales the network's output."""
    law = RectifiedFlow(4, 4, 8, 1, 0.0)
    law.variances.copy_(torch.tensor([0.01, 0.5, 2.0, 9.0]))
    law.center.copy_(torch.tensor([0.0, 1.0, -2.0, 3.0]))
    generator = torch.Generator().manual_seed(0)
    noise, data = torch.randn(2, 50_000, 4, generator=generator)
    data = law.center + data * law.variances.sqrt()
    t = torch.full((50_000,), 0.7)
    error = data - noise - law.velocity(torch.lerp(noise, data, t[:, None]), t, noise)
    scale = (law.variances / (0.49 * law.variances + 0.09)).sqrt()
    torch.testing.assert_close(error.mean(0), torch.zeros(4), atol=0.03, rtol=0)
    torch.testing.assert_close(error.std(0), scale, atol=0, rtol=0.02)


def test_mixture_loss_is_the_negative_log_likelihood() -> None:
    sampler = StyleSampler(2, law="mixture", width=4, depth=1, dropout=0.0, components=1).eval()
    law = sampler.law
    torch.nn.init.zeros_(law.means.weight)
    torch.nn.init.zeros_(law.means.bias)
    z = torch.tensor([[1.0, 0.0]])  # scaled by sqrt(2): one standard normal at (sqrt(2), 0)
    expected = (0.5 * 2.0 + math.log(math.tau)) / 2
    assert sampler.loss(z, z).item() == pytest.approx(expected, abs=1e-5)


def test_config_rebuilds_the_network(flow: StyleSampler) -> None:
    again = StyleSampler(**flow.config).eval()
    again.load_state_dict(flow.state_dict())
    torch.testing.assert_close(again.mean(basis(0)[None]), flow.mean(basis(0)[None]))


def test_errors_name_the_problem() -> None:
    with pytest.raises(ValueError, match="law must be one of"):
        StyleSampler(law="vae")
    with pytest.raises(ValueError, match="must be positive"):
        StyleSampler(DIM).sample(basis(0)[None], n_samples=0)


def test_a_flow_fitted_to_conditions_starts_as_their_linear_gaussian() -> None:
    """Before training the mean follows the condition by a ridge regression."""
    torch.manual_seed(0)
    c = F.normalize(torch.randn(6000, 3), dim=-1)
    slope = torch.randn(3, DIM)
    x = 2.0 + c @ slope + 0.3 * torch.randn(6000, DIM)
    law = RectifiedFlow(DIM, 3, 32, 1, 0.0)
    law.fit(x, c)
    shrunk = slope / (1.0 + SLOPE_PENALTY)  # the penalty counts in mean variances
    center = x.mean(0) + (c[0] - c.mean(0)) @ shrunk
    one, null = c[:1], law.origin[None]
    drawn = law.sample(one, null, 4000, 1.0, 16, torch.Generator().manual_seed(0))[0]
    torch.testing.assert_close(drawn.mean(0), center, atol=0.1, rtol=0)
    spread = (0.3**2 + (slope - shrunk).square().sum(0) / 3).sqrt()  # what the mean leaves open
    torch.testing.assert_close(drawn.std(0), spread, atol=0.05, rtol=0)
    torch.testing.assert_close(law.mean(one, null, 1.0)[0], center, atol=0.05, rtol=0)
    torch.testing.assert_close(law.mean(one, null, 0.0)[0], x.mean(0), atol=1e-3, rtol=0)
    twice = law.mean(one, null, 2.0)[0]
    torch.testing.assert_close(twice - x.mean(0), 2 * (center - x.mean(0)), atol=0.1, rtol=0)


def test_the_best_of_many_draws_lies_nearest_to_the_condition() -> None:
    torch.manual_seed(0)
    z = F.normalize(torch.randn(2000, DIM) + 0.5, dim=-1)
    sampler = StyleSampler(DIM).eval()
    sampler.fit(z)  # the condition plays no part in the law

    def nearness(candidates: int) -> float:
        generator = torch.Generator().manual_seed(1)
        drawn = sampler.sample(z[:1], 200, generator=generator, candidates=candidates)
        assert drawn.shape == (1, 200, DIM)
        torch.testing.assert_close(drawn.norm(dim=-1), torch.ones(1, 200))
        return F.cosine_similarity(drawn - sampler.center, z[0] - sampler.center, -1).mean().item()

    assert abs(nearness(1)) < 0.06
    assert nearness(1) + 0.1 < nearness(4) < nearness(16)
    with pytest.raises(ValueError, match="candidates"):
        sampler.sample(z[:1], candidates=0)


def test_a_score_turns_the_mean_into_that_of_the_posterior() -> None:
    """Of a normal law with variance v, weighed by exp(a x), the mean moves by a v."""
    torch.manual_seed(0)
    z = F.normalize(torch.randn(4000, DIM), dim=-1)
    sampler = StyleSampler(DIM).eval()
    sampler.fit(z)
    mean = sampler.mean(z[:1], score=lambda x: 8.0 * x[..., 0])[0]
    assert mean[0] > 0.85  # 8 / 16 beside what is left of 128 draws' noise
    level = sampler.mean(z[:1], score=lambda x: torch.zeros(x.shape[:-1]))[0]
    assert level[0].abs() < 0.7


def test_candidates_are_chosen_by_a_score() -> None:
    torch.manual_seed(0)
    sampler = StyleSampler(DIM).eval()
    sampler.fit(F.normalize(torch.randn(2000, DIM), dim=-1))
    noise = torch.Generator().manual_seed(0)
    drawn = sampler.sample(
        basis(0)[None], 50, generator=noise, candidates=16, score=lambda x: x[..., 3]
    )
    assert drawn[0, :, 3].mean() > 0.3 > drawn[0, :, 0].mean().abs() + 0.2
