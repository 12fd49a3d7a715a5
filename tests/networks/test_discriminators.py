import torch
from torch.nn import functional as F

from mmtts.networks.discriminators import (
    Discriminators,
    PeriodDiscriminator,
    SpectrumDiscriminator,
)


def test_members_give_scores_and_features_for_any_length():
    network = Discriminators((256, 128), (2, 3), spectrum_width=2, period_width=2)
    for length in (1000, 1023):
        scores, features = network(torch.randn(3, length))
        assert len(scores) == len(features) == 4
        assert [len(of_member) for of_member in features] == [4] * 4
        assert all(score.shape[:2] == (3, 1) and score.numel() > 3 for score in scores)
    assert Discriminators(**network.config).config == network.config


def test_a_period_sees_every_so_many_samples():
    network = PeriodDiscriminator(3, 2)
    wav = torch.randn(1, 243)
    changed = wav.clone()
    changed[:, 1::3] += 1.0
    difference = (network(wav)[0] - network(changed)[0])[0, 0].abs().amax(0)
    assert difference[1] > 0 and difference[0] == difference[2] == 0


def test_a_spectrum_discriminator_does_not_hear_the_sign_and_hears_the_pitch():
    network = SpectrumDiscriminator(256, 4)
    time = torch.arange(2048)[None] / 16000
    low, high = torch.sin(6.2832 * 500 * time), torch.sin(6.2832 * 2500 * time)
    torch.testing.assert_close(network(low)[0], network(-low)[0])
    assert float((network(low)[0] - network(high)[0]).detach().abs().max()) > 1e-3


def test_gradients_reach_the_samples_and_the_weights():
    network = Discriminators((128,), (2,), spectrum_width=2, period_width=2)
    wav = (0.1 * torch.randn(1, 600)).requires_grad_()
    scores, _ = network(wav)
    sum(F.relu(1 - score).mean() for score in scores).backward()
    assert float(wav.grad.abs().sum()) > 0
    assert all(parameter.grad is not None for parameter in network.parameters())
