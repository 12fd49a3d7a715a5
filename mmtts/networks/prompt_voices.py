"""Voices for prompts: what a sampler draws, chosen by what is heard in it.

The sampler alone obeys a prompt in part, more under guidance, but then its voices become alike.
Given what is heard in a style, p(z | prompt, heard) = p(z | prompt) p(heard | z) / Z: of candidates
from the first factor the second one chooses, which costs less variety.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler

CANDIDATES = 32


class PromptVoices(NamedTuple):
    """The voices of n prompts.

    Attributes:
        draws: Unit vectors (n, k, D).
        mean: The stable default (n, D).
        loudness: In dB above the standard level (n,).
    """

    draws: Tensor
    mean: Tensor
    loudness: Tensor


def draw_prompt_voices(
    encoder: PromptEncoder,
    sampler: StyleSampler,
    z_p: Tensor,
    count: int = 1,
    guidance: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    """Draw voices, each the best of `CANDIDATES`.

    Args:
        encoder: Tells what prompts name and what is heard in styles.
        sampler: p(z | z_p).
        z_p: Of prompts (B, D).
        count: Voices for each prompt.
        guidance: Of the sampler.
        generator: Source of the noise, on the prompts' device.

    Returns:
        Unit vectors (B, count, D).
    """
    return sampler.sample(
        z_p,
        count,
        guidance,
        generator=generator,
        candidates=CANDIDATES,
        score=lambda z: encoder.agreement(z_p, z),
    )


def mean_prompt_voice(
    encoder: PromptEncoder, sampler: StyleSampler, z_p: Tensor, guidance: float = 1.0
) -> Tensor:
    """The stable default for prompts (B, D): the mean of p(z | prompt, heard), unit vectors."""
    return sampler.mean(z_p, guidance, lambda z: encoder.agreement(z_p, z))


@torch.no_grad()
def voices_of_prompts(
    encoder: PromptEncoder, sampler: StyleSampler, prompts: list[str], count: int, seed: int
) -> PromptVoices:
    """Give each prompt `count` draws with a seed, the stable default and a loudness."""
    device = sampler.center.device
    z_p = encoder(encoder.tokenize(prompts).to(device))
    noise = Generator(device=device).manual_seed(seed)
    draws = draw_prompt_voices(encoder, sampler, z_p, count, generator=noise)
    return PromptVoices(draws, mean_prompt_voice(encoder, sampler, z_p), encoder.loudness(z_p))
