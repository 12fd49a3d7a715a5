import math

import pytest
import torch

from mmtts.audio.griffin_lim import GriffinLim
from mmtts.audio.mel import MelSpectrogram


def sine(hertz: float, seconds: float = 0.512) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hertz / 16000 * torch.arange(int(seconds * 16000)))[None]


@pytest.mark.parametrize("hertz", [220.0, 1000.0])
def test_a_sine_comes_back_at_its_frequency_and_level(hertz):
    wav = sine(hertz)
    copy = GriffinLim()(MelSpectrogram()(wav))
    assert copy.shape == wav.shape
    middle = slice(2048, 6144)
    peak = torch.fft.rfft(copy[0, middle] * torch.hann_window(4096)).abs().argmax() * 16000 / 4096
    # A band is all that a mel tells: the frequency is as sharp as the band is narrow.
    assert abs(float(peak) - hertz) < max(20.0, 0.04 * hertz)
    level = copy[0, middle].square().mean() / wav[0, middle].square().mean()
    assert 0.7 < float(level) < 1.4


def test_magnitudes_are_not_negative_and_have_the_mel():
    mel = MelSpectrogram()(sine(440.0) + 0.05 * torch.randn(1, 8192))
    network = GriffinLim(magnitude_iterations=100)
    magnitudes = network.magnitudes(mel)
    assert bool((magnitudes >= 0).all())
    error = ((magnitudes @ network.filters).log() - mel).abs().mean()
    assert float(error) < 0.02


def test_more_iterations_fit_the_mel_better_and_the_result_is_repeatable():
    torch.manual_seed(0)
    mel = MelSpectrogram()(torch.randn(1, 8192) * 0.1)

    def error(iterations: int) -> float:
        return float((MelSpectrogram()(GriffinLim(iterations=iterations)(mel)) - mel).abs().mean())

    assert error(32) < 0.7 * error(1)
    assert torch.equal(GriffinLim(iterations=3)(mel), GriffinLim(iterations=3)(mel))


def test_each_row_of_a_batch_is_as_if_alone():
    mel = MelSpectrogram()(torch.cat([sine(300.0), sine(700.0)]))
    network = GriffinLim(iterations=4)
    torch.testing.assert_close(network(mel)[1:], network(mel[1:]), atol=1e-4, rtol=1e-3)


def test_silence_stays_silent():
    silent = torch.full((1, 20, 80), math.log(1e-5))
    assert float(GriffinLim()(silent).abs().max()) < 1e-3


def test_a_mel_of_two_frames_is_long_enough():
    assert GriffinLim()(torch.randn(1, 2, 80) - 5).shape == (1, 256)


def test_other_rates_come_back_too():
    settings = {"sample_rate": 24000, "n_fft": 1536, "hop_length": 384, "n_mels": 96, "f_max": 12e3}
    time = torch.arange(24000) / 24000
    copy = GriffinLim(settings)(MelSpectrogram(**settings)(torch.sin(2e3 * math.pi * time)[None]))
    peak = torch.fft.rfft(copy[0, 6000:18000] * torch.hann_window(12000)).abs().argmax() * 2.0
    assert abs(float(peak) - 1000.0) < 40.0
