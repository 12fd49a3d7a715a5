"""The speaker encoder gives the vectors of the package that its weights are from."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmtts.networks.ge2e import GE2E, window_starts


@pytest.fixture(scope="module")
def encoder() -> GE2E:
    return GE2E()


def hum(seconds: float, hertz: float, level: float) -> np.ndarray:
    time = np.arange(int(16000 * seconds)) / 16000
    sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12))
    noise = np.random.default_rng(int(hertz)).standard_normal(len(time))
    return (level * (sound + 0.05 * noise)).astype(np.float32)


@pytest.mark.slow
def test_vectors_are_those_of_resemblyzer(encoder: GE2E) -> None:
    resemblyzer = pytest.importorskip("resemblyzer")
    from resemblyzer.audio import normalize_volume

    reference = resemblyzer.VoiceEncoder("cpu", verbose=False)
    clips = [hum(0.7, 110, 0.05), hum(2.0, 220, 0.001), hum(4.3, 150, 0.2)]
    vectors = encoder([torch.from_numpy(clip) for clip in clips]).numpy()
    for clip, vector in zip(clips, vectors, strict=True):
        wanted = reference.embed_utterance(normalize_volume(clip, -30, increase_only=True))
        assert vector @ wanted > 0.99999  # the weights here have half precision


def test_a_clip_is_encoded_as_if_it_were_alone(encoder: GE2E) -> None:
    clips = [torch.from_numpy(hum(s, h, 0.1)) for s, h in ((0.01, 100), (1.9, 200), (3.1, 90))]
    together = encoder(clips)
    assert together.shape == (3, encoder.dim) and together.isfinite().all()
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(3))
    for clip, row in zip(clips, together, strict=True):
        torch.testing.assert_close(encoder([clip])[0], row, atol=1e-5, rtol=1e-4)


def test_nothing_of_it_learns(encoder: GE2E) -> None:
    assert not encoder.train().training
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder([torch.ones(8000)]).requires_grad


@given(st.integers(1, 400_000))
def test_windows_cover_the_clip(samples: int) -> None:
    starts = window_starts(samples)
    assert starts[0] == 0 and all(b - a == 77 for a, b in pairwise(starts))
    end = (starts[-1] + 160) * 160
    # What is left over is less than the share of a window that would be worth another.
    assert samples <= end or samples - (starts[-1] + 77) * 160 < 0.75 * 160 * 160
