"""Frame windows: phonemes lie around their words, and a monotonic alignment always exists."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.data.frame_windows import frame_windows
from mmtts.text import SYMBOLS, encode_symbols

WORD = encode_symbols(["h", "ə", "l"])


def tokens_of(words: list[int], end: list[str]) -> np.ndarray:
    """Silence, words of so many phonemes with spaces between, punctuation, silence."""
    symbols = ["<sil>"]
    for index, length in enumerate(words):
        symbols += [" "] * (index > 0) + ["ə"] * length
    return np.array(encode_symbols([*symbols, *end, "<sil>"]))


def alignment_exists(first, last, num_frames) -> bool:
    """Search over all boundaries, token by token: the set of frames at which token n may begin."""
    begins = {0}
    for low, high in zip(first, last, strict=True):
        ends = set()
        for begin in begins:
            if begin >= low:
                ends |= set(range(begin + 1, min(high, num_frames) + 1))
        begins = ends
    return num_frames in begins


def test_windows_by_hand():
    tokens = tokens_of([2, 1], ["."])
    first, last = frame_windows(tokens, [(1.0, 2.0), (2.5, 3.0)], 40, frames_per_second=10, slack=2)
    #                        <sil> ə   ə   ' '  ə    .   <sil>
    assert first.tolist() == [0, 8, 8, 19, 23, 29, 29]
    assert last.tolist() == [12, 23, 23, 27, 33, 40, 40]


@pytest.mark.parametrize(
    "words",
    [
        None,
        [(0.0, 1.0)],
        [(0.0, 1.0)] * 3,
        [(2.0, 3.0), (0.0, 1.0)],
        [(1.0, 0.5), (1.5, 2.0)],
        [(0.0, float("nan")), (1.0, 2.0)],
    ],
)
def test_the_whole_clip_is_allowed_without_usable_times(words):
    first, last = frame_windows(tokens_of([2, 1], []), words, 40, frames_per_second=10)
    assert (first == 0).all()
    assert (last == 40).all()


def test_words_beyond_the_clip_are_brought_back():
    first, last = frame_windows(
        tokens_of([2, 1], []), [(1.0, 2.0), (9.0, 12.0)], 30, frames_per_second=10, slack=1
    )
    assert alignment_exists(first, last, 30)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_an_alignment_always_exists(data):
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    tokens = tokens_of(lengths, data.draw(st.sampled_from([[], ["."]])))
    num_frames = len(tokens) + data.draw(st.integers(0, 25))
    times = sorted(
        data.draw(
            st.lists(
                st.integers(0, num_frames + 3), min_size=2 * len(lengths), max_size=2 * len(lengths)
            )
        )
    )
    words = list(zip(times[::2], times[1::2], strict=True))
    slack = data.draw(st.integers(0, 6))
    first, last = frame_windows(tokens, words, num_frames, frames_per_second=1, slack=slack)
    assert (first >= 0).all() and (last <= num_frames).all() and (first < last).all()
    assert alignment_exists(first, last, num_frames)


def test_the_search_itself_finds_impossible_windows():
    assert not alignment_exists([0, 5], [4, 10], 10)
    assert alignment_exists([0, 4], [4, 10], 10)
    assert SYMBOLS[WORD[0]] == "h"
