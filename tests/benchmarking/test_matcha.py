"""The peer of Matcha-TTS's size: its parameters, the shape and the length of what it says."""

import pytest
import torch

from mmtts.benchmarking.matcha.hifi_gan import RATES, HifiGan
from mmtts.benchmarking.matcha.model import HOP, SAMPLE_RATE, MatchaTTS, even_layout, frames_of
from mmtts.benchmarking.matcha.text_encoder import RotaryAttention
from mmtts.benchmarking.matcha.unet import UNet, embed_time
from mmtts.benchmarking.matcha_talker import load
from mmtts.text import SYMBOLS
from mmtts.text.phonemes import GAPS, SILENCE, phonemize


@pytest.fixture(scope="module")
def matcha() -> MatchaTTS:
    torch.manual_seed(0)
    return MatchaTTS(len(SYMBOLS)).eval()


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_the_parameters_are_as_many_as_published(matcha: MatchaTTS) -> None:
    assert count(matcha) == pytest.approx(18.2e6, rel=0.02)
    assert count(HifiGan()) == pytest.approx(13.9e6, rel=0.02)


@pytest.mark.parametrize("spoken", [1, 12, 13])
def test_a_sentence_lasts_as_long_as_its_phonemes_take(matcha: MatchaTTS, spoken: int) -> None:
    mel = matcha(torch.randint(len(SYMBOLS), (1, spoken + 3)), spoken, steps=1)
    # 12 phonemes are one second: 86 frames of 256 samples at 22,050 Hz.
    assert mel.shape == (1, 80, {1: 7, 12: 86, 13: 93}[spoken]) and mel.isfinite().all()


def test_every_frame_belongs_to_a_symbol_and_all_last_alike() -> None:
    assert even_layout(3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    assert even_layout(2, 5).tolist() == [0, 0, 0, 1, 1]
    assert frames_of(24) == 172 and frames_of(0) == 1


def test_every_step_looks_at_the_mel_again(matcha: MatchaTTS) -> None:
    calls = []
    hook = matcha.decoder.register_forward_hook(lambda *_: calls.append(1))
    matcha(torch.zeros(1, 4, dtype=torch.int64), 2)
    hook.remove()
    assert len(calls) == 10


def test_the_unet_hears_prior_and_time() -> None:
    torch.manual_seed(0)
    unet, x = UNet().eval(), torch.randn(1, 80, 8)
    with torch.inference_mode():
        plain = unet(x, x, torch.zeros(1))
        assert plain.shape == x.shape
        assert not torch.allclose(plain, unet(x, -x, torch.zeros(1)))
        assert not torch.allclose(plain, unet(x, x, torch.ones(1)))
    assert embed_time(torch.zeros(2), 6).tolist() == [[0, 0, 0, 1, 1, 1]] * 2


def test_rotations_keep_lengths_and_tell_only_distances() -> None:
    attention = RotaryAttention(16, 2)
    x = torch.randn(1, 1, 1, 8).expand(1, 2, 5, 8)
    turned = attention._rotate(x)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1))
    scores = turned[0, 0] @ turned[0, 0].T
    assert torch.allclose(scores[0, 2], scores[1, 3], atol=1e-5)
    assert not torch.allclose(scores[0, 2], scores[0, 3], atol=1e-5)


def test_the_vocoder_makes_one_hop_of_each_frame() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        sound = HifiGan()(torch.randn(2, 80, 3))
    assert torch.tensor(RATES).prod() == HOP
    assert sound.shape == (2, 3 * HOP) and sound.abs().max() <= 1


def test_the_talker_speaks_sentence_by_sentence_at_a_human_pace() -> None:
    talker = load({}, torch.get_num_threads())
    sentences = ["Hello there.", "Come in."]
    parts = list(talker.stream(" ".join(sentences), 1))
    assert talker.sample_rate == SAMPLE_RATE
    for part, sentence in zip(parts, sentences, strict=True):
        phonemes = [s for s in phonemize(sentence) if s not in GAPS | {SILENCE}]
        assert len(part) / SAMPLE_RATE == pytest.approx(len(phonemes) / 12, abs=HOP / SAMPLE_RATE)
