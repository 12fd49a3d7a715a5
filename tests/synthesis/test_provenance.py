"""The mark is found where it was put, and nowhere else."""

import io
import itertools

import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.audio.resampling import resample
from mmtts.synthesis.provenance import FALSE_ALARM, MARK_RATE, detect_mark, embed_mark


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    """A buzz with gliding pitch and changing color and level, over some noise."""
    rng = np.random.default_rng(seed)
    n = int(seconds * MARK_RATE)
    knots = np.linspace(0, n, max(3, int(seconds * 5)))

    def glide(low: float, high: float) -> np.ndarray:
        return np.interp(np.arange(n), knots, rng.uniform(low, high, len(knots)))

    phase = np.cumsum(glide(90, 220)) / MARK_RATE * 2 * np.pi
    buzz = sum(np.cos(k * phase) * glide(0.1, 1) / k**0.7 for k in range(1, 30))
    x = (buzz + rng.normal(size=n) * glide(0.05, 0.8)) * glide(0.1, 1)
    return (0.1 * x / np.sqrt(np.mean(x**2))).astype(np.float32)


def recode(samples: np.ndarray, rate: int, container: str, subtype: str) -> tuple[np.ndarray, int]:
    stream = io.BytesIO()
    resampled = np.clip(resample(samples, MARK_RATE, rate), -1, 1)
    soundfile.write(stream, resampled, rate, format=container, subtype=subtype)
    stream.seek(0)
    return soundfile.read(stream)


def test_marked_and_unmarked_clips_are_told_apart() -> None:
    for seed in range(6):
        clip = speech_like(4, seed)
        assert not detect_mark(clip, MARK_RATE).marked
        found = detect_mark(embed_mark(clip, MARK_RATE), MARK_RATE)
        assert found.marked and found.score > 7 and found.false_alarm < FALSE_ALARM


@pytest.mark.parametrize(
    ("rate", "container", "subtype"),
    [
        (16000, "WAV", "PCM_16"),
        (8000, "WAV", "PCM_16"),
        (44100, "FLAC", "PCM_16"),
        (16000, "OGG", "VORBIS"),
        (16000, "MP3", "MPEG_LAYER_III"),
    ],
)
def test_mark_survives_files(rate: int, container: str, subtype: str) -> None:
    samples, found_rate = recode(embed_mark(speech_like(5), MARK_RATE), rate, container, subtype)
    assert detect_mark(samples, found_rate).marked


def test_mark_survives_gain_and_crops() -> None:
    marked = embed_mark(speech_like(6), MARK_RATE)
    assert detect_mark(marked * 0.05, MARK_RATE).marked
    assert detect_mark(marked[17_001:-20_003], MARK_RATE).marked


@pytest.mark.parametrize("rate", [22050, 24000, 44100])
def test_other_rates_are_marked_where_16_khz_is_and_untouched_above(rate: int) -> None:
    rng = np.random.default_rng(0)
    clip = resample(speech_like(4), MARK_RATE, rate) + 0.01 * rng.normal(size=4 * rate)
    clip = clip.astype(np.float32)
    marked = embed_mark(clip, rate)
    assert marked.shape == clip.shape
    assert detect_mark(marked, rate).score > 7 and not detect_mark(clip, rate).marked
    change = np.abs(np.fft.rfft(marked - clip)) ** 2
    assert change[6500 * 4 :].sum() < 1e-3 * change.sum()  # bins of a quarter of a hertz


def test_a_rate_below_16_khz_cannot_be_marked() -> None:
    with pytest.raises(InputError, match="8000 Hz"):
        embed_mark(np.zeros(100, np.float32), 8000)


def test_mark_changes_little() -> None:
    clip = speech_like(3)
    marked = embed_mark(clip, MARK_RATE)
    assert marked.shape == clip.shape and marked.dtype == np.float32
    assert np.sum(clip**2) / np.sum((marked - clip) ** 2) > 10**1.6  # 16 dB
    assert abs(np.sqrt(np.mean(marked**2) / np.mean(clip**2)) - 1) < 0.03


def test_pieces_marked_in_place_join_to_one_mark() -> None:
    clip = speech_like(25)
    cuts = [0, 50_001, 170_000, 171_000, len(clip)]
    pieces = [embed_mark(clip[a:b], MARK_RATE, a) for a, b in itertools.pairwise(cuts)]
    marked = embed_mark(clip, MARK_RATE)
    whole = detect_mark(marked, MARK_RATE)
    joined = detect_mark(np.concatenate(pieces), MARK_RATE)
    assert joined.score > 0.9 * whole.score
    # A long clip is marked in blocks; their seams must not show.
    alone = embed_mark(clip[100_096:220_032], MARK_RATE, 100_096)  # multiples of the hop
    np.testing.assert_allclose(marked[102_400:217_600], alone[2_304:117_504], atol=1e-5)


def test_a_marked_part_of_a_long_recording_is_found() -> None:
    clip = speech_like(60)
    clip[300_123:620_123] = embed_mark(clip[300_123:620_123], MARK_RATE)
    assert detect_mark(clip, MARK_RATE).marked


@settings(max_examples=30, deadline=None)
@given(
    n=st.one_of(st.integers(0, 3000), st.integers(7000, 20_000)),
    kind=st.sampled_from(["silence", "noise", "constant", "click", "loud"]),
    start=st.integers(0, 10**7),
)
@example(n=58, kind="constant", start=0)  # 4 ms once looked marked
def test_odd_clips_do_no_harm(n: int, kind: str, start: int) -> None:
    clip = np.zeros(n, np.float32)
    if kind == "noise":
        clip += np.random.default_rng(n).normal(size=n).astype(np.float32)
    elif kind in ("constant", "loud"):
        clip += 0.5 if kind == "constant" else 1e6
    elif n:
        clip[n // 2] = 1
    marked = embed_mark(clip, MARK_RATE, start)
    assert marked.shape == clip.shape and np.isfinite(marked).all()
    assert not detect_mark(clip, MARK_RATE).marked
