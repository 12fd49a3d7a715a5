import math

import pytest
import torch

from mmtts.audio.mel import MelSpectrogram
from mmtts.networks.vocoder import Vocoder


def small(**changes) -> Vocoder:
    torch.manual_seed(0)
    return Vocoder(**{"width": 16, "hidden": 32, "layers": 2, "pitch_width": 8, **changes})


@pytest.fixture(scope="module")
def mel() -> torch.Tensor:
    """The mel (2, 33, 80) of two vowel-like sounds of 110 and 200 Hz over a little noise."""
    time = torch.arange(32 * 256) / 16000
    voices = [
        sum(torch.cos(2 * math.pi * f * k * time) / k for k in range(1, int(7000 / f)))
        for f in (110.0, 200.0)
    ]
    torch.manual_seed(1)
    return MelSpectrogram()(0.1 * torch.stack(voices) + 0.003 * torch.randn(2, 32 * 256))


@pytest.mark.parametrize(("batch", "frames"), [(1, 2), (3, 17), (2, 301)])
def test_samples_are_a_hop_per_frame_after_the_first(batch, frames):
    wav = small().eval()(torch.randn(batch, frames, 80) - 5)
    assert wav.shape == (batch, (frames - 1) * 256)
    assert torch.isfinite(wav).all()


def test_config_builds_the_same_network_again(mel):
    first = small(refinements=1).eval()
    second = Vocoder(**first.config).eval()
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(mel), second(mel))


def test_other_spectra_work_too():
    mel = {"sample_rate": 24000, "n_fft": 1536, "hop_length": 384, "n_mels": 96, "f_max": 12000.0}
    network = small(mel=mel).eval()
    assert network.sample_rate == 24000
    assert network(torch.randn(1, 9, 96) - 5).shape == (1, 8 * 384)


@pytest.mark.parametrize("value", [math.log(1e-5), 3.0, -30.0, 30.0])
def test_any_mel_gives_finite_samples(value):
    with torch.no_grad():
        wav = small().eval()(torch.full((1, 12, 80), value))
    assert torch.isfinite(wav).all()
    if value <= math.log(1e-5):
        assert float(wav.abs().max()) < 0.02


def test_evaluation_is_repeatable_and_rows_do_not_mix(mel):
    network = small().eval()
    both = network(mel)
    assert torch.equal(both, network(mel))
    torch.testing.assert_close(network(mel[1:]), both[1:], atol=2e-3, rtol=0)


def test_silence_after_a_clip_changes_only_its_end(mel):
    network = small().eval()
    silence = torch.full((2, 40, 80), math.log(1e-5))
    padded = network(torch.cat([mel, silence], dim=1))
    # Reach of the blocks: 2 * 3 + 3 frames, of the pitch 3 * 3 + 2, of the frames 2 a refinement.
    unchanged = (mel.shape[1] - 1 - 9 - 11 - 10) * 256
    torch.testing.assert_close(
        padded[:, :unchanged], network(mel)[:, :unchanged], atol=1e-4, rtol=0
    )


def test_each_refinement_brings_the_mel_nearer(mel):
    network, analyze = small().eval(), MelSpectrogram()
    errors = []
    for rounds in (0, 1, 4, 8):
        with torch.no_grad():
            wav, _ = network.synthesize(mel, rounds)
        errors.append(float((analyze(wav) - mel)[:, 3:-3].abs().mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.5 * errors[0]


def test_refinement_leaves_the_right_spectrum_alone():
    network = small()
    wav = torch.randn(1, 5120) * 0.1
    spectrum = network.spectrum(wav)
    refined = network.refine(spectrum, MelSpectrogram()(wav))
    torch.testing.assert_close(refined, spectrum, atol=1e-3, rtol=1e-3)


def test_gradients_reach_every_parameter(mel):
    network = small().train()
    wav, logits = network.synthesize(mel, 2)
    (wav.square().mean() + logits.square().mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
    assert float(network.embed.weight.grad.abs().sum()) > 0


def test_half_precision_of_the_backbone_is_hardly_heard(mel):
    network = small().eval()
    with torch.no_grad():
        exact, logits = network.synthesize(mel, 2)
        network.pitch_predictor.forward = lambda _: logits  # a pitch may fall into the next bin
        with torch.autocast("cpu", torch.bfloat16):
            rough, _ = network.synthesize(mel, 2)
    assert rough.dtype == torch.float32
    analyze = MelSpectrogram()
    assert float((analyze(rough) - analyze(exact)).abs().mean()) < 0.05


@pytest.mark.slow
def test_one_batch_can_be_learned(mel):
    from mmtts.losses.vocoder import SpectralLoss

    torch.manual_seed(0)
    network, distance = small().train(), SpectralLoss((512, 1024))
    wav = torch.randn(2, 32 * 256) * torch.linspace(0.01, 0.2, 32 * 256)
    mel = MelSpectrogram()(wav)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        loss = distance(network.synthesize(mel, 0)[0], wav)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
