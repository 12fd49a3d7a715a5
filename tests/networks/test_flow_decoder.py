"""The flow decoder, and what it takes for granted of a residual."""

import pytest
import torch

from mmtts.networks.flow_decoder import FlowDecoder
from mmtts.networks.flow_solver import integrate
from mmtts.networks.patches import into_patches, out_of_patches


def decoder(residual: float | None) -> FlowDecoder:
    torch.manual_seed(0)
    return FlowDecoder(8, 4, 16, 1, 2, 2, 0.0, residual=residual).eval()


@pytest.mark.parametrize("residual", [0.2, 0.7])
def test_untrained_it_carries_noise_to_a_gaussian_around_the_prior(residual: float) -> None:
    net = decoder(residual)
    prior, noise, z = torch.randn(1, 5, 8), torch.randn(1, 5, 8), torch.randn(1, 4)
    mask = torch.ones(1, 5, dtype=torch.bool)

    def velocity(x: torch.Tensor, t: float) -> torch.Tensor:
        return net(x, prior, torch.tensor([t]), z, mask)

    found = integrate(velocity, noise, 400)
    torch.testing.assert_close(found, prior + residual * noise, atol=0.02, rtol=0.02)
    torch.testing.assert_close(integrate(velocity, 0 * noise, 3), prior)  # without noise, the mean


def test_its_velocity_is_the_mean_of_all_paths_through_a_point() -> None:
    """Against a million draws of noise and data that come by the same point."""
    residual, t, mean = 0.5, 0.6, 1.5
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(1_000_000, generator=draw)
    data = mean + residual * torch.randn(1_000_000, generator=draw)
    at = (1 - t) * noise + t * data
    point = 1.2
    near = (at - point).abs() < 0.01
    expected, spread = (data - noise)[near].mean(), (data - noise)[near].std()

    net = decoder(residual)
    x, prior = torch.full((1, 2, 8), point), torch.full((1, 2, 8), mean)
    given = (x, prior, torch.tensor([t]), torch.zeros(1, 4), torch.ones(1, 2, dtype=torch.bool))
    assert net(*given)[0, 0, 0].item() == pytest.approx(float(expected), abs=0.02)
    torch.nn.init.ones_(net.output.bias)  # one unit of what is not known
    scale = net(*given)[0, 0, 0].item() - float(expected)
    assert scale == pytest.approx(float(spread), rel=0.02)


def test_without_a_residual_the_network_gives_the_velocity() -> None:
    net = decoder(None)
    x, prior, z = torch.randn(2, 5, 8), torch.randn(2, 5, 8), torch.randn(2, 4)
    mask = torch.arange(5)[None] < torch.tensor([[5], [3]])
    assert net(x, prior, torch.tensor([0.1, 0.9]), z, mask).abs().max() == 0
    torch.nn.init.ones_(net.output.bias)
    assert torch.equal(net(x, prior, torch.tensor([0.1, 0.9]), z, mask)[..., 0], mask.float())


def test_patches_are_undone() -> None:
    x = torch.randn(2, 5, 3)
    mask = torch.arange(5)[None] < torch.tensor([[5], [2]])
    patches, valid = into_patches(x, mask, 2)
    assert patches.shape == (2, 3, 6)
    assert valid.tolist() == [[True, True, True], [True, False, False]]
    torch.testing.assert_close(out_of_patches(patches, mask, 2), x * mask[..., None])
    assert torch.equal(patches[0, 0], torch.cat([x[0, 0], x[0, 1]]))
