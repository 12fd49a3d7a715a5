import numpy as np
import pytest

from mmtts import InputError
from mmtts.metrics.speakers import LinearProbe, Resemblyzer


def test_a_probe_finds_the_direction_of_a_label():
    rng = np.random.default_rng(0)
    labels = rng.random(200) < 0.2  # one kind is rare
    vectors = rng.normal(size=(200, 64)) + 2.0 * np.where(labels, 1, -1)[:, None] * np.eye(64)[0]
    probe = LinearProbe(vectors[:150], labels[:150])
    assert (probe(vectors[150:]) == labels[150:]).mean() > 0.9


def test_a_probe_needs_both_kinds():
    with pytest.raises(InputError, match="both kinds"):
        LinearProbe(np.ones((3, 2)), np.ones(3, bool))


def test_resemblyzer_tells_voices_apart(speak):
    judge = Resemblyzer()
    texts = ("The sun is warm over the river today.", "They read a very long letter together.")
    low = judge.embed([speak(text, "m3", 20) for text in texts])
    high = judge.embed([speak(text, "f2", 80) for text in texts])
    assert np.linalg.norm(low[0]) == pytest.approx(1.0)
    assert min(low[0] @ low[1], high[0] @ high[1]) > low[0] @ high[1] + 0.1


def test_silence_and_nothing_are_embedded_too():
    judge = Resemblyzer()
    noise = np.random.default_rng(0).normal(0, 0.1, 4000).astype(np.float32)
    found = judge.embed([np.zeros(0, np.float32), np.zeros(8000, np.float32), noise])
    assert found.shape == (3, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0)
