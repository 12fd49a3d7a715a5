"""Voices of prompts: of what a sampler draws, that is taken in which the named is heard."""

import pytest
import torch
from torch.nn import functional as F

from mmtts.data.attributes import ATTRIBUTES
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.prompt_voices import draw_prompt_voices, mean_prompt_voice, voices_of_prompts
from mmtts.networks.style_sampler import StyleSampler

DIM = 16
GENDER = list(ATTRIBUTES).index("gender")


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    """Hears men where the first axis is positive, and reads "male" in the second axis of z_p."""
    torch.manual_seed(0)
    found = PromptEncoder("NgramPromptNet", {"feature_dim": 8}, style_dim=DIM, width=0).eval()
    found.backbone.learn(["a man speaks", "a man"])
    with torch.no_grad():
        for classifier in found.classifiers:
            torch.nn.init.zeros_(classifier.weight)
            classifier.bias.copy_(F.one_hot(torch.tensor(len(classifier.bias) - 1)) * 20.0)
        found.listeners[GENDER].weight[1, 0] = 4.0
        found.classifiers[GENDER].weight[1, 1] = 20.0
    return found


@pytest.fixture(scope="module")
def sampler() -> StyleSampler:
    """Voices to all sides; the condition plays no part in the law."""
    torch.manual_seed(0)
    found = StyleSampler(DIM).eval()
    found.fit(F.normalize(torch.randn(2000, DIM), dim=-1))
    return found


def named(axis: int) -> torch.Tensor:
    """A prompt that names the gender (axis 1), or nothing (axis 2)."""
    return F.one_hot(torch.tensor([axis]), DIM).float()


def test_agreement_is_the_log_probability_of_what_is_named(encoder: PromptEncoder) -> None:
    z = F.normalize(torch.randn(1, 5, DIM, generator=torch.Generator().manual_seed(0)), dim=-1)
    expected = F.logsigmoid(4.0 * DIM**0.5 * z[..., 0])
    torch.testing.assert_close(encoder.agreement(named(1), z), expected, atol=1e-3, rtol=0)
    torch.testing.assert_close(encoder.agreement(named(2), z), 0 * expected, atol=1e-3, rtol=0)


def test_draws_have_what_the_prompt_names_and_differ(
    encoder: PromptEncoder, sampler: StyleSampler
) -> None:
    noise = torch.Generator().manual_seed(0)
    z = draw_prompt_voices(encoder, sampler, named(1), 100, generator=noise)[0]
    free = draw_prompt_voices(encoder, sampler, named(2), 100, generator=noise)[0]
    assert (z[:, 0] > 0.2).float().mean() > 0.95
    assert abs((free[:, 0] > 0).float().mean().item() - 0.5) < 0.2
    assert z[:, 1:].std(0).min() > 0.15  # nothing else is chosen


def test_the_mean_is_that_of_the_voices_which_agree(
    encoder: PromptEncoder, sampler: StyleSampler
) -> None:
    mean = mean_prompt_voice(encoder, sampler, named(1))
    assert mean.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert mean[0, 0] > 0.7
    assert torch.equal(mean, mean_prompt_voice(encoder, sampler, named(1)))


def test_several_prompts_get_their_own(encoder: PromptEncoder, sampler: StyleSampler) -> None:
    prompts = ["A man speaks.", "Nothing known."]
    given = voices_of_prompts(encoder, sampler, prompts, 3, seed=1)
    again = voices_of_prompts(encoder, sampler, prompts, 3, seed=1)
    assert given.draws.shape == (2, 3, DIM) and given.mean.shape == (2, DIM)
    assert given.loudness.tolist() == [0.0, 0.0]
    assert torch.equal(given.draws, again.draws)
    assert not torch.equal(given.draws[0], given.draws[1])
