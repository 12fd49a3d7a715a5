"""Voices drawn for a face lie on the side of its mean voice."""

import torch
from torch.nn import functional as F

from mmtts.networks.face_voices import SHARE, draw_face_voice
from mmtts.networks.style_sampler import StyleSampler

HEIGHT = F.normalize(torch.tensor([1.0, 1.0, 0, 0, 0, 0, 0, 0]), dim=0)


def wide_law() -> StyleSampler:
    """Voices that hardly depend on the face, nearly as often on one side as on the other."""
    torch.manual_seed(0)
    sampler = StyleSampler(8, law="flow", width=16, depth=1).eval()
    z = F.normalize(torch.randn(400, 8) + 0.3 * HEIGHT, dim=-1)
    sampler.fit(z)
    sampler.center.zero_()
    return sampler


def reached(sampler: StyleSampler, z_f: torch.Tensor, height: torch.Tensor | None) -> float:
    """Share of draws that lie far enough on the side of the mean voice."""
    wanted = sampler.mean(z_f) @ HEIGHT
    draws = torch.cat(
        [draw_face_voice(sampler, z_f, 1.0, seeded(seed), height) for seed in range(60)]
    )
    torch.testing.assert_close(draws.norm(dim=-1), torch.ones(60))
    return float(((draws @ HEIGHT) * wanted.sign() >= SHARE * wanted.abs() - 1e-6).float().mean())


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def test_draws_lie_on_the_side_of_the_mean_voice() -> None:
    sampler, z_f = wide_law(), F.normalize(torch.randn(1, 8, generator=seeded(1)), dim=-1)
    free, held = reached(sampler, z_f, None), reached(sampler, z_f, HEIGHT)
    assert held > 0.8 > 2 * free  # where none of the candidates reaches it, the nearest is taken


@torch.no_grad()
def test_without_a_side_it_is_the_nearest_of_a_few_and_a_seed_gives_the_same() -> None:
    sampler, z_f = wide_law(), F.normalize(torch.randn(2, 8, generator=seeded(2)), dim=-1)
    expected = sampler.sample(z_f, 1, generator=seeded(3), candidates=4)[:, 0]
    torch.testing.assert_close(draw_face_voice(sampler, z_f, 1.0, seeded(3)), expected)
    again = [draw_face_voice(sampler, z_f, 1.0, seeded(3), HEIGHT) for _ in range(2)]
    torch.testing.assert_close(*again)
