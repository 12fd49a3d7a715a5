"""The speaker verifier: lengths count only where a clip is, statistics by hand, unit vectors."""

import math

import pytest
import torch

from mmtts.networks.speaker_verifier import (
    AttentiveStatistics,
    SERes2Block,
    SpeakerVerifier,
    mean_over_time,
    statistics,
)

MEL = {"n_fft": 512, "hop_length": 200, "n_mels": 40, "f_min": 20.0, "f_max": 7600.0}


def make_verifier(seed: int = 0) -> SpeakerVerifier:
    torch.manual_seed(seed)
    verifier = SpeakerVerifier(MEL, width=32, squeeze=8, pooled=48, dim=24)
    for name, buffer in verifier.named_buffers():  # as training would leave them: not 0 and 1
        if name.endswith("running_mean"):
            buffer.normal_(std=0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2.0)
    return verifier.eval()


@pytest.fixture
def verifier() -> SpeakerVerifier:
    return make_verifier()


@torch.no_grad()
def embed(verifier: SpeakerVerifier, *clips: torch.Tensor) -> torch.Tensor:
    lens = torch.tensor([len(clip) for clip in clips])
    return verifier(torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True), lens)


def test_a_clip_gives_the_same_vector_alone_and_in_any_batch(verifier):
    clips = [torch.randn(n) * 0.1 for n in (9_001, 16_000, 8_000, 24_399)]
    together = embed(verifier, *clips)
    assert together.shape == (4, 24)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(4))
    for row, clip in zip(together, clips, strict=True):
        torch.testing.assert_close(embed(verifier, clip)[0], row, atol=1e-5, rtol=1e-4)


def test_what_lies_behind_the_end_does_not_count(verifier):
    wav = torch.randn(2, 16_000) * 0.1
    lens = torch.tensor([16_000, 10_000])
    with torch.no_grad():
        before = verifier(wav, lens)
        wav[1, 10_000:] = 5.0
        torch.testing.assert_close(verifier(wav, lens), before)
        wav[1, :5_000] = 0.0
        assert (verifier(wav, lens)[1] - before[1]).norm() > 1e-3


def test_loudness_does_not_count(verifier):
    clip = torch.randn(12_000)
    torch.testing.assert_close(
        embed(verifier, 0.5 * clip), embed(verifier, 0.05 * clip), atol=1e-4, rtol=1e-3
    )


def test_silence_has_a_finite_vector(verifier):
    assert torch.isfinite(embed(verifier, torch.zeros(8_000))).all()


def test_every_weight_learns():
    verifier = make_verifier().train()
    verifier(torch.randn(4, 8_000) * 0.1, torch.full((4,), 8_000))[:, :5].sum().backward()
    lazy = [n for n, p in verifier.named_parameters() if p.grad is None or not p.grad.any()]
    # What is added to every attention score alike, and to what is normalized next, cannot matter.
    assert set(lazy) <= {"pooling.score.bias", "output.bias"}


def test_its_config_builds_it_again(verifier):
    again = SpeakerVerifier(**verifier.config).eval()
    again.load_state_dict(verifier.state_dict())
    clip = torch.randn(8_000)
    assert torch.equal(embed(again, clip), embed(verifier, clip))


def test_the_default_size_is_about_a_million():
    assert 1e6 < sum(p.numel() for p in SpeakerVerifier().parameters()) < 2e6


def test_a_width_that_cannot_be_grouped_is_refused():
    with pytest.raises(ValueError, match="multiple of scale"):
        SERes2Block(30, 2, 4, 8)


def test_statistics_by_hand():
    x = torch.tensor([[[1.0, 3.0, 100.0], [2.0, 2.0, 100.0]]])
    mask = torch.tensor([[[True, True, False]]])
    torch.testing.assert_close(mean_over_time(x, mask), torch.tensor([[2.0, 2.0]]))
    found = statistics(x, mask / mask.sum(-1, keepdim=True))
    torch.testing.assert_close(found, torch.tensor([[2.0, 2.0, 1.0, math.sqrt(1e-5)]]))
    uneven = statistics(x[:, :1], torch.tensor([[[0.25, 0.75, 0.0]]]))
    torch.testing.assert_close(uneven, torch.tensor([[2.5, math.sqrt(0.75)]]))


def test_attention_without_a_preference_pools_evenly():
    pooling = AttentiveStatistics(3, 4)
    torch.nn.init.zeros_(pooling.score.weight)
    x, mask = torch.randn(2, 3, 5), torch.tensor([[[True] * 5], [[True] * 3 + [False] * 2]])
    even = statistics(x, mask / mask.sum(-1, keepdim=True))
    torch.testing.assert_close(pooling(x, mask), even)
