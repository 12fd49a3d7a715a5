import math

import pytest
import torch

from mmtts.losses.vocoder import (
    MelLoss,
    SpectralLoss,
    discriminator_loss,
    feature_loss,
    generator_loss,
)


def test_hinge_losses_by_hand():
    real = [torch.tensor([2.0, 0.5]), torch.tensor([-1.0])]
    fake = [torch.tensor([-3.0, 0.0]), torch.tensor([1.0])]
    # relu(1 - real): mean(0, 0.5), 2;  relu(1 + fake): mean(0, 1), 2
    assert float(discriminator_loss(real, fake)) == pytest.approx((0.25 + 0.5 + 2 + 2) / 2)
    # relu(1 - fake): mean(4, 1), 0
    assert float(generator_loss(fake)) == pytest.approx((2.5 + 0.0) / 2)


def test_hinge_losses_vanish_for_the_winner():
    sure = [torch.tensor([1.5, 3.0])]
    assert float(discriminator_loss(sure, [-sure[0]])) == 0.0
    assert float(generator_loss(sure)) == 0.0


def test_feature_loss_is_relative_to_the_size_of_the_real_features():
    real = [[torch.tensor([2.0, -2.0]), torch.tensor([10.0])]]
    fake = [[torch.tensor([3.0, -2.0]), torch.tensor([5.0])]]
    # mean |difference| 0.5 of size 2, and 5 of size 10
    assert float(feature_loss(real, fake)) == pytest.approx((0.25 + 0.5) / 2)


def test_feature_loss_gives_the_recordings_no_gradient():
    real = torch.ones(3, requires_grad=True)
    fake = torch.zeros(3, requires_grad=True)
    feature_loss([[real]], [[fake]]).backward()
    assert real.grad is None and fake.grad is not None


@pytest.mark.parametrize("loss", [SpectralLoss((256, 512)), MelLoss()])
def test_spectral_losses_are_zero_for_equal_sound_and_deaf_to_the_sign(loss):
    wav = 0.1 * torch.randn(2, 4096)
    assert float(loss(wav, wav)) == 0.0
    assert float(loss(-wav, wav)) == pytest.approx(0.0, abs=1e-4)
    assert float(loss(0.1 * torch.randn(2, 4096), wav)) > 0.1


def test_twice_the_amplitude_costs_one_and_the_logarithm_of_two():
    wav = torch.randn(1, 8192)  # loud: hardly a bin lies below the floor
    # spectral convergence |2x - x| / |x| = 1, logarithms differ by ln 2
    assert float(SpectralLoss((512,))(2 * wav, wav)) == pytest.approx(1 + math.log(2), rel=1e-3)
    assert float(MelLoss()(2 * wav, wav)) == pytest.approx(2 * math.log(2), rel=1e-3)


def test_gradients_are_finite_at_silence():
    silent = torch.zeros(1, 4096, requires_grad=True)
    recorded = 0.1 * torch.randn(1, 4096)
    (SpectralLoss()(silent, recorded) + MelLoss()(silent, recorded)).backward()
    assert torch.isfinite(silent.grad).all()
    assert torch.isfinite(SpectralLoss()(recorded, torch.zeros(1, 4096)))
