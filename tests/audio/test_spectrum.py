import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.spectrum import Spectrum, magnitude


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 12), overlaps=st.sampled_from([4, 8]), seed=st.integers(0, 99))
def test_what_was_analyzed_comes_back(frames, overlaps, seed):
    hop = 64
    spectrum = Spectrum(overlaps * hop, hop)
    wav = torch.randn(2, frames * hop, generator=torch.Generator().manual_seed(seed))
    analyzed = spectrum(wav)
    assert analyzed.shape == (2, frames + 1, overlaps * hop // 2 + 1)
    rebuilt = spectrum.inverse(analyzed)
    torch.testing.assert_close(rebuilt, wav, atol=2e-5, rtol=0)


def test_inverse_is_that_of_torch_also_for_inconsistent_frames():
    spectrum = Spectrum(1024, 256)
    frames = torch.randn(2, 9, 513, dtype=torch.complex64)
    expected = torch.istft(
        frames.transpose(1, 2), 1024, 256, window=torch.hann_window(1024), length=8 * 256
    )
    # The ends of one-sided frames differ in how the imaginary parts at 0 Hz are dropped.
    torch.testing.assert_close(spectrum.inverse(frames), expected, atol=1e-5, rtol=1e-4)


def test_frames_are_those_of_the_mel():
    wav = torch.randn(1, 2560)
    mel = MelSpectrogram()
    ours = (magnitude(Spectrum(1024, 256)(wav)) @ mel.filters).clamp_min(1e-5).log()
    torch.testing.assert_close(ours, mel(wav), atol=1e-4, rtol=1e-4)


def test_magnitude_has_a_finite_gradient_at_zero():
    zeros = torch.zeros(3, dtype=torch.complex64, requires_grad=True)
    magnitude(zeros).sum().backward()
    assert torch.isfinite(torch.view_as_real(zeros.grad)).all()


@pytest.mark.parametrize(("n_fft", "hop"), [(1000, 256), (512, 256), (768, 256), (4, 0)])
def test_windows_that_do_not_fit_are_refused(n_fft, hop):
    with pytest.raises(ValueError, match="n_fft"):
        Spectrum(n_fft, hop)
