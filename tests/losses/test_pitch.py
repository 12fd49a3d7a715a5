import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.audio.pitch import measure_pitch
from mmtts.losses.pitch import pitch_loss
from mmtts.networks.excitation import PITCH_BINS, pulse_train


@settings(max_examples=20, deadline=None)
@given(
    hertz=st.floats(70.0, 450.0),
    noise=st.floats(0.0, 0.05),
    rate=st.sampled_from([16000, 24000]),
)
def test_the_pitch_of_pulses_is_found(hertz, noise, rate):
    hop = rate * 2 // 125
    pulses = pulse_train(torch.full((1, 21), hertz), hop, rate)
    wav = 0.05 * (pulses + noise * torch.randn_like(pulses))
    pitch, voiced = measure_pitch(wav, hop, rate)
    assert pitch.shape == voiced.shape == (1, 21)
    assert bool(voiced[:, 3:-3].all())
    torch.testing.assert_close(pitch[:, 3:-3], torch.full((1, 15), hertz), rtol=0.015, atol=0)


def test_noise_silence_and_whispers_are_not_voiced():
    torch.manual_seed(0)
    tone = torch.sin(2 * math.pi * 150 / 16000 * torch.arange(5120))
    wav = torch.stack([0.1 * torch.randn(5120), torch.zeros(5120), 1e-3 * tone])
    assert float(measure_pitch(wav, 256, 16000)[1].float().mean()) < 0.02


def test_loss_is_least_for_the_right_pitch_and_counts_only_voiced_frames():
    pitch = torch.tensor([[200.0, 100.0]])
    voiced = torch.tensor([[True, False]])
    logits = torch.zeros(1, 2, PITCH_BINS + 1)
    # uniform scores: log of the number of bins, and ln 2 for the voicing
    assert float(pitch_loss(logits, pitch, voiced)) == pytest.approx(
        math.log(PITCH_BINS) + math.log(2), rel=1e-4
    )
    other = logits.clone()
    other[0, 1, 7] = 9.0  # the unvoiced frame's pitch means nothing
    torch.testing.assert_close(pitch_loss(other, pitch, voiced), pitch_loss(logits, pitch, voiced))
    good = logits.clone()
    good[0, 0, 86] = 3.0  # 159 * log2(200 / 55) / log2(600 / 55) = 85.9
    bad = logits.clone()
    bad[0, 0, 20] = 3.0
    assert pitch_loss(good, pitch, voiced) < pitch_loss(logits, pitch, voiced)
    assert pitch_loss(bad, pitch, voiced) > pitch_loss(logits, pitch, voiced)


def test_no_voice_at_all_is_no_error():
    logits = torch.zeros(1, 3, PITCH_BINS + 1, requires_grad=True)
    loss = pitch_loss(logits, torch.full((1, 3), 100.0), torch.zeros(1, 3, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(math.log(2))
    assert torch.isfinite(logits.grad).all()
