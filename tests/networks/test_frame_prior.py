"""The prior of frames: places in phonemes, melodies, and what the acoustic model makes of them."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.alignment import lay_out, path_from_durations
from mmtts.networks.frame_prior import (
    PLACE_FEATURES,
    FramePrior,
    place_in_phoneme,
    with_contrast,
)
from mmtts.networks.melody import MELODY_FEATURES, Melody, melody_of
from mmtts.networks.plan import Plan

LENS = torch.tensor([5, 3])


def small_model() -> AcousticModel:
    torch.manual_seed(0)
    model = AcousticModel(
        n_symbols=12, n_mels=8, style_dim=16, width=16, encoder_layers=1, decoder_layers=1, heads=2,
        style_width=16, style_layers=1, frame_layers=2, residual=0.4,
    ).eval()  # fmt: skip
    for parameter in (*model.frame_prior.parameters(), *model.decoder.parameters()):
        torch.nn.init.normal_(parameter, std=0.3)  # the last layers are zero at first
    return model


def some_plan() -> tuple[Plan, torch.Tensor]:
    torch.manual_seed(1)
    durations = torch.tensor([[3, 1, 2, 4, 2], [5, 2, 1, 0, 0]])
    z = torch.nn.functional.normalize(torch.randn(2, 16), dim=-1)
    plan = Plan(torch.randn(2, 5, 16), torch.randn(2, 5, 8), durations, z)
    return plan, path_from_durations(durations)


def test_places_by_hand() -> None:
    place = place_in_phoneme(torch.tensor([[2, 1]]), torch.tensor([[0, 0, 1]]))
    assert place.shape == (1, 3, PLACE_FEATURES)
    torch.testing.assert_close(place[0, :, 0], torch.tensor([0.25, 0.75, 0.5]))  # middles of frames
    torch.testing.assert_close(place[0, :, 5], torch.tensor([2.0, 2.0, 1.0]).log() / 2)
    assert place[0, :, 6].tolist() == [0.0, 0.25, 0.0]  # frames since the first one, by four
    assert place[0, :, 7].tolist() == [0.25, 0.0, 0.0]  # and until the last one


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_places_are_bounded_and_turn_round_with_the_phoneme(lengths: list[int]) -> None:
    durations = torch.tensor([lengths])
    place = place_in_phoneme(durations, path_from_durations(durations))
    assert place.abs().max() <= 4
    torch.testing.assert_close(place[..., 0] + place[..., 1], torch.ones(1, sum(lengths)))


def test_no_voice_has_no_height() -> None:
    melody = melody_of(torch.tensor([[0.0, 100.0, 200.0]]))
    assert melody.voiced.tolist() == [[0.0, 1.0, 1.0]]
    told = melody.features()
    assert told.shape == (1, 3, MELODY_FEATURES)
    assert told[0, 0].abs().max() == 0 and told[0, 1].abs().max() > 0.5
    octave = melody.higher(12.0).log_pitch - melody.log_pitch
    torch.testing.assert_close(octave, torch.full((1, 3), math.log(2.0)))


def test_it_starts_from_the_prior_of_the_phonemes() -> None:
    plan, path = some_plan()
    fresh = FramePrior(8, 16, 16, 2, 2, 2, 0.0).eval()
    expected = lay_out(plan.prior, path)
    expected[1, 8:] = 0  # padding
    found = fresh(plan, path, fresh.expect_melody(plan, path).decided())
    torch.testing.assert_close(found, expected)


def test_frames_know_place_and_pitch_and_nothing_of_other_rows() -> None:
    model, (plan, path) = small_model(), some_plan()
    low, high = (melody_of(torch.full(path.shape, pitch)) for pitch in (100.0, 200.0))
    prior = model.frame_prior(plan, path, low)
    assert not torch.allclose(prior[0, 0], prior[0, 1])  # two frames of one phoneme
    assert (prior - model.frame_prior(plan, path, high)).abs().max() > 0.01
    row = Plan(*(value[1:] for value in plan))._replace(durations=plan.durations[1:, :3])
    row = row._replace(hidden=plan.hidden[1:, :3], prior=plan.prior[1:, :3])
    alone = model.frame_prior(row, path[1:, :8], Melody(*(part[1:, :8] for part in low)))
    torch.testing.assert_close(prior[1, :8], alone[0], atol=1e-5, rtol=1e-4)
    assert prior[1, 8:].abs().max() == 0


def test_the_melody_teaches_no_phoneme() -> None:
    model, (plan, path) = small_model(), some_plan()
    plan = plan._replace(hidden=plan.hidden.requires_grad_())
    model.frame_prior.expect_melody(plan, path).log_pitch.sum().backward()
    assert plan.hidden.grad is None


def test_speech_goes_up_by_semitones() -> None:
    model = small_model()
    phonemes, z = torch.randint(1, 12, (2, 5)), some_plan()[0].z

    def speak(semitones: float | torch.Tensor) -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        return model.synthesize(phonemes, LENS, z, generator=noise, semitones=semitones).mel

    assert torch.equal(speak(0.0), speak(torch.zeros(1)))
    assert not torch.allclose(speak(0.0), speak(3.0))


def test_without_steps_the_prior_is_spoken() -> None:
    model, (plan, path) = small_model(), some_plan()
    prior = model.prior_of_frames(plan, path)
    lens = plan.durations.sum(dim=1)
    assert torch.equal(model.decode(torch.randn_like(prior), prior, plan.z, lens, 0), prior)


def test_contrast_moves_valid_frames_away_from_their_mean() -> None:
    prior = torch.tensor([[[1.0], [3.0], [0.0]], [[0.0], [4.0], [2.0]]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    expected = torch.tensor([[[0.0], [4.0], [0.0]], [[-2.0], [6.0], [2.0]]])
    torch.testing.assert_close(with_contrast(prior, mask, 2.0), expected)
    assert with_contrast(prior, mask, 1.0) is prior
