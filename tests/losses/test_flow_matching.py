"""Flow matching on Gaussians, where the answer is known."""

import torch

from mmtts.losses.flow_matching import path_point
from mmtts.networks.flow_solver import integrate


def exact_velocity(x: torch.Tensor, t: torch.Tensor, mean: float, std: float) -> torch.Tensor:
    """E[x_1 - x_0 | x_t = x] for x_0 ~ N(0, 1), x_1 ~ N(mean, std^2), independent, sigma = 0."""
    time = t[:, None]
    variance = (1 - time) ** 2 + (time * std) ** 2
    slope = (time * std**2 - (1 - time)) / variance
    return mean + slope * (x - time * mean)


def test_path_runs_from_noise_to_data() -> None:
    noise, data = torch.randn(3, 5, 2), torch.randn(3, 5, 2)
    torch.testing.assert_close(path_point(noise, data, torch.zeros(3)).x, noise)
    torch.testing.assert_close(path_point(noise, data, torch.ones(3), sigma=0.0).x, data)


def test_velocity_is_the_derivative_of_the_path() -> None:
    torch.manual_seed(0)
    noise, data = torch.randn(2, 4, dtype=torch.double), torch.randn(2, 4, dtype=torch.double)
    t, step = torch.tensor([0.3, 0.8], dtype=torch.double), 1e-6
    moved = path_point(noise, data, t + step).x - path_point(noise, data, t).x
    torch.testing.assert_close(moved / step, path_point(noise, data, t).velocity, atol=1e-6, rtol=0)


def test_regression_on_the_path_finds_the_exact_velocity() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(200_000, 1, generator=generator)
    data = 2.0 + 0.5 * torch.randn(200_000, 1, generator=generator)
    t = torch.full((200_000,), 0.6)
    point = path_point(noise, data, t, sigma=0.0)
    design = torch.cat([point.x, torch.ones_like(point.x)], dim=1)
    slope, offset = torch.linalg.lstsq(design, point.velocity).solution.flatten()
    at = torch.tensor([[1.0]])
    expected = exact_velocity(at, torch.tensor([0.6]), 2.0, 0.5)
    torch.testing.assert_close(slope * at + offset, expected, atol=0.02, rtol=0)


def test_exact_field_carries_noise_to_the_data() -> None:
    noise = torch.randn(20_000, 1, generator=torch.Generator().manual_seed(1))
    data = integrate(lambda x, t: exact_velocity(x, torch.tensor([t]), 2.0, 0.5), noise, 200)
    assert abs(float(data.mean()) - 2.0) < 0.02
    assert abs(float(data.std()) - 0.5) < 0.02


def test_one_step_of_a_constant_field_is_exact() -> None:
    noise = torch.randn(2, 3)
    torch.testing.assert_close(integrate(lambda x, t: torch.ones_like(x), noise, 1), noise + 1)
    torch.testing.assert_close(integrate(lambda x, t: torch.ones_like(x), noise, 7), noise + 1)
