"""Subtitles: cues that people can read, in two formats."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.synthesis.spoken_words import SpokenWord
from mmtts.synthesis.subtitles import (
    LONGEST_CUE,
    LONGEST_LINE,
    require_subtitle_suffix,
    subtitles,
)

WORDS = [
    SpokenWord("Hello", 0.5, 0.9, ","),
    SpokenWord("world", 1.0, 1.5, "."),
    SpokenWord("A<b>", 61.0, 61.25),
    SpokenWord("rest", 3662.0, 3662.5, "!"),
]


def test_srt() -> None:
    assert subtitles(WORDS, ".srt") == (
        "1\n00:00:00,500 --> 00:00:01,500\nHello, world.\n\n"
        "2\n00:01:01,000 --> 00:01:01,250\nA<b>\n\n"
        "3\n01:01:02,000 --> 01:01:02,500\nrest!\n"
    )


def test_vtt() -> None:
    assert subtitles(WORDS, ".VTT") == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.500\nHello, world.\n\n"
        "00:01:01.000 --> 00:01:01.250\nA&lt;b&gt;\n\n"
        "01:01:02.000 --> 01:01:02.500\nrest!\n"
    )
    assert subtitles([], ".vtt") == "WEBVTT\n"


@given(
    st.lists(
        st.tuples(
            st.from_regex("[a-z]{1,60}", fullmatch=True),
            st.floats(0, 2),
            st.floats(0.01, 1.5),
            st.sampled_from(["", "", ",", "."]),
        ),
        max_size=40,
    ),
    st.sampled_from([".srt", ".vtt"]),
)
def test_cues_are_bounded_in_order_and_complete(
    spoken: list[tuple[str, float, float, str]], suffix: str
) -> None:
    words, now = [], 0.0
    for word, gap, length, mark in spoken:
        words.append(SpokenWord(word, now + gap, now + gap + length, mark))
        now += gap + length
    text = subtitles(words, suffix)
    cues = re.findall(r"(\d\d):(\d\d):([\d.,]+) --> (\d\d):(\d\d):([\d.,]+)\n((?:.+\n)+)", text)
    said = " ".join(" ".join(cue[6].split()) for cue in cues)
    assert said == " ".join(word.word + word.mark for word in words)
    before = 0.0
    for cue in cues:
        start, end = (
            int(h) * 3600 + int(m) * 60 + float(s.replace(",", "."))
            for h, m, s in (cue[:3], cue[3:6])
        )
        assert before <= start <= end
        assert end - start <= LONGEST_CUE + 0.002
        lines = cue[6].splitlines()
        assert len(lines) <= 2
        assert all(len(line) <= LONGEST_LINE or " " not in line for line in lines)
        before = end


def test_an_odd_suffix_is_refused() -> None:
    with pytest.raises(InputError, match=r"does not end in \.srt or \.vtt"):
        require_subtitle_suffix("a.txt")
