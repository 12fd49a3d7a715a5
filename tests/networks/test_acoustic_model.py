"""The acoustic model and its parts."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.networks.acoustic_model import AcousticModel, lay_out
from mmtts.networks.alignment import path_from_durations
from mmtts.networks.duration_predictor import frames_from_durations
from mmtts.networks.flow_solver import integrate
from mmtts.networks.masks import mask_from_lens


@pytest.fixture
def model() -> AcousticModel:
    torch.manual_seed(0)
    model = AcousticModel(
        n_symbols=12, n_mels=8, style_dim=16, width=16, encoder_layers=1, decoder_layers=2, heads=2,
        style_width=16, style_layers=1,
    )  # fmt: skip
    for block in (*model.text_encoder.blocks, *model.decoder.blocks):
        torch.nn.init.normal_(block.modulation.weight, std=0.1)
    torch.nn.init.normal_(model.decoder.output.weight, std=0.1)
    return model.eval()


def test_styles_have_unit_norm_and_ignore_padding(model: AcousticModel) -> None:
    mel = torch.randn(2, 21, 8)
    z = model.encode_style(mel, torch.tensor([13, 21]))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(z[:1], model.encode_style(mel[:1, :13], torch.tensor([13])))


def test_style_encoder_takes_a_single_frame(model: AcousticModel) -> None:
    assert model.encode_style(torch.randn(1, 1, 8), torch.tensor([1])).isfinite().all()


def test_synthesis_does_not_depend_on_the_rest_of_the_batch(model: AcousticModel) -> None:
    phonemes = torch.randint(1, 12, (2, 7))
    lens = torch.tensor([7, 4])
    z = torch.nn.functional.normalize(torch.randn(2, 16), dim=-1)
    both = model.synthesize(phonemes, lens, z, temperature=0.0)
    alone = model.synthesize(phonemes[1:, :4], lens[1:], z[1:], temperature=0.0)
    frames = int(alone.mel_lens[0])
    assert int(both.mel_lens[1]) == frames
    torch.testing.assert_close(both.mel[1, :frames], alone.mel[0, :frames], atol=1e-5, rtol=1e-4)
    assert both.mel_lens.tolist() == both.durations.sum(1).tolist()


def test_same_seed_same_speech_and_pace_shortens_it(model: AcousticModel) -> None:
    phonemes, lens = torch.randint(1, 12, (1, 9)), torch.tensor([9])
    z = torch.nn.functional.normalize(torch.randn(1, 16), dim=-1)

    def speak(**options: float) -> torch.Tensor:
        return model.synthesize(
            phonemes, lens, z, generator=torch.Generator().manual_seed(3), **options
        ).mel

    assert torch.equal(speak(), speak())
    assert speak(pace=2.0).shape[1] < speak().shape[1] < speak(pace=0.5).shape[1]


def test_guidance_of_one_is_the_styled_field_and_zero_the_plain_one(model: AcousticModel) -> None:
    noise, prior = torch.randn(1, 6, 8), torch.randn(1, 6, 8)
    z, lens = torch.nn.functional.normalize(torch.randn(1, 16), dim=-1), torch.tensor([6])
    mask = mask_from_lens(lens)
    null = model.null_style[None]
    plain = integrate(lambda x, t: model.decoder(x, prior, torch.tensor([t]), null, mask), noise, 3)
    torch.testing.assert_close(model.decode(noise, prior, z, lens, 3, guidance=0.0), plain)
    nearly = model.decode(noise, prior, z, lens, 3, guidance=1.0 + 1e-6)
    torch.testing.assert_close(
        model.decode(noise, prior, z, lens, 3, guidance=1.0), nearly, atol=1e-4, rtol=1e-4
    )


def test_normalization_is_undone(model: AcousticModel) -> None:
    model.set_statistics(torch.arange(8.0), torch.arange(1.0, 9.0))
    mel = torch.randn(1, 3, 8)
    torch.testing.assert_close(model.denormalize(model.normalize(mel)), mel)
    assert model.normalize(torch.arange(8.0)).abs().max() == 0


def test_lay_out_repeats_by_hand() -> None:
    values = torch.tensor([[[1.0], [2.0]]])
    assert lay_out(values, torch.tensor([[0, 0, 1]])).flatten().tolist() == [1, 1, 2]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.05, 40), min_size=1, max_size=30))
def test_rounded_durations_keep_the_total(values: list[float]) -> None:
    durations = torch.tensor([values])
    mask = torch.ones_like(durations, dtype=torch.bool)
    frames = frames_from_durations(durations, mask)
    assert int(frames.min()) >= 1
    if min(values) >= 1:
        assert abs(int(frames.sum()) - sum(values)) <= 1.0


def test_an_accent_moves_the_speech_and_the_first_one_is_the_default() -> None:
    torch.manual_seed(0)
    model = AcousticModel(
        12, 8, style_dim=16, width=32, encoder_layers=1, decoder_layers=1, heads=2,
        style_width=16, style_layers=1, accents=["native", "learner"],
    ).eval()  # fmt: skip
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    z = torch.nn.functional.normalize(torch.randn(2, 16), dim=-1)
    assert torch.equal(model.accented(z, torch.tensor([-1, -1])), z)
    shifted = model.accented(z, torch.tensor([1, -1]))
    assert torch.allclose(shifted[0], z[0] + model.accent.weight[1])
    assert torch.equal(shifted[1], z[1])

    def speak(**options: int) -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        phonemes, lens = torch.tensor([[1, 2, 3], [4, 5, 6]]), torch.tensor([3, 3])
        return model.synthesize(phonemes, lens, z, steps=1, generator=noise, **options).mel

    assert torch.equal(speak(), speak(accent=model.accent_index("native")))
    other = speak(accent=model.accent_index("learner"))
    assert other.shape != speak().shape or not torch.allclose(other, speak())
    with pytest.raises(InputError, match="knows no accent 'martian'; it knows native, learner"):
        model.accent_index("martian")


def test_without_a_decoder_the_prior_is_spoken() -> None:
    torch.manual_seed(0)
    model = AcousticModel(
        n_symbols=12, n_mels=8, style_dim=16, width=16, encoder_layers=1, decoder_layers=0, heads=2,
        style_width=16, style_layers=1, frame_layers=1,
    )  # fmt: skip
    assert model.eval().decoder is None
    assert list(model.stacks) == ["encoder_widths", "frame_widths"]
    phonemes, lens = torch.randint(1, 12, (1, 9)), torch.tensor([9])
    z = torch.nn.functional.normalize(torch.randn(1, 16), dim=-1)
    spoken = [model.synthesize(phonemes, lens, z, steps=steps) for steps in (0, 4)]
    assert torch.equal(spoken[0].mel, spoken[1].mel)
    plan = model.plan(phonemes, lens, z, torch.zeros_like(lens))
    prior = model.prior_of_frames(plan, path_from_durations(plan.durations))
    torch.testing.assert_close(model.denormalize(prior), spoken[0].mel)
