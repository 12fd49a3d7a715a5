import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.networks.excitation import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    PITCH_BINS,
    Noise,
    PitchPredictor,
    pitch_position,
    pulse_train,
)


def test_pulse_train_is_the_sum_of_its_harmonics():
    # 0.49 * 16000 / 1000 = 7.84: seven harmonics below the Nyquist frequency, unit power
    pulses = pulse_train(torch.full((1, 5), 1000.0), hop_length=256, sample_rate=16000)
    time = (torch.arange(1024, dtype=torch.float64) + 1) / 16000
    expected = sum(torch.cos(2 * math.pi * 1000 * k * time) for k in range(1, 8))
    expected = expected * math.sqrt(2 / 7)
    torch.testing.assert_close(pulses[0].double(), expected, atol=2e-3, rtol=0)
    assert float(pulses.square().mean()) == pytest.approx(1.0, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(pitch=st.floats(LOWEST_PITCH, HIGHEST_PITCH))
def test_pulses_come_at_the_pitch_with_unit_power(pitch):
    pulses = pulse_train(torch.full((1, 63), pitch), 256, 16000)[0]
    assert torch.isfinite(pulses).all()
    assert float(pulses.square().mean()) == pytest.approx(1.0, abs=0.05)
    spectrum = torch.fft.rfft(pulses[:15872] * torch.hann_window(15872)).abs()
    lowest = spectrum[: round(1.4 * pitch * 15872 / 16000)].argmax() * 16000 / 15872
    assert float(lowest) == pytest.approx(pitch, abs=1.5)


def test_phase_goes_on_over_a_glide_and_starts_where_it_is_told():
    glide = torch.linspace(100, 300, 63)[None]
    pulses = pulse_train(glide, 256, 16000)
    # The integral of the pitch is the number of pulses.
    count = int(((pulses[0, 1:-1] > 5) & (pulses[0, 1:-1] >= pulses[0, 2:])
                 & (pulses[0, 1:-1] > pulses[0, :-2])).sum())  # fmt: skip
    assert count == pytest.approx(200 * 62 * 256 / 16000, abs=2)
    turned = pulse_train(glide, 256, 16000, start=torch.tensor([[1.0]]))
    torch.testing.assert_close(turned, pulses, atol=1e-2, rtol=0)


def test_a_harmonic_comes_without_a_jump():
    border = 0.49 * 16000 / 7  # Hz: on its two sides there is room for six and for seven
    below, above = (pulse_train(torch.full((1, 5), border * (1 + side * 5e-7)), 256, 16000)
                    for side in (-1, 1))  # fmt: skip
    torch.testing.assert_close(below, above, atol=0.05, rtol=0)


def test_a_pitch_is_exact_to_rounding_whatever_adds_it_up():
    predictor = PitchPredictor(80, 16, 1)
    logits = torch.randn(1, 200, PITCH_BINS + 1, generator=torch.Generator().manual_seed(0))
    pitch, _ = predictor.decode(logits)
    exact, _ = predictor.decode(logits.double())
    torch.testing.assert_close(pitch.double(), exact, rtol=1e-7, atol=0)


def test_a_confident_score_decodes_to_its_pitch():
    predictor = PitchPredictor(80, 16, 1)
    wanted = torch.tensor([[80.0, 121.3, 250.0, 540.0]])
    distance = torch.arange(PITCH_BINS) - pitch_position(wanted)[..., None]
    voice = torch.tensor([[4.0, -4.0, 4.0, -4.0]])
    pitch, voiced = predictor.decode(torch.cat([-0.5 * distance**2, voice[..., None]], -1))
    torch.testing.assert_close(pitch, wanted, rtol=2e-3, atol=0)
    assert (voiced > 0.5).tolist() == [[True, False, True, False]]


def test_noise_is_fixed_in_evaluation_and_fresh_in_training():
    noise = Noise(period=100)
    like = torch.zeros(3, 250)
    fresh = noise(like)
    assert fresh.shape == (3, 250) and not torch.equal(fresh, noise(like))
    noise.eval()
    fixed = noise(like)
    assert torch.equal(fixed, noise(like))
    assert torch.equal(fixed[0], fixed[2])
    assert torch.equal(fixed[:, :50], fixed[:, 100:150])
    assert torch.equal(noise(torch.zeros(1, 40)), fixed[:1, :40])
