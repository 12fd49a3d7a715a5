"""Guards of durations: endless and collapsed phonemes become sensible, others stay as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError, Synthesizer
from mmtts.synthesis.durations import (
    HASTIEST_SENTENCE,
    LONGEST_PAUSE,
    LONGEST_PHONEME,
    limit_durations,
)
from mmtts.synthesis.finishing import PAUSE_SECONDS
from mmtts.text import encode, phonemize, split_sentences
from mmtts.text.phonemes import GAPS, SILENCE

FRAME = 0.016


def limited(seconds: list[float], phonemes: list[int]) -> list[float]:
    """Limit one sentence, in seconds."""
    frames = torch.tensor([seconds]) / FRAME
    return (limit_durations(frames, torch.tensor([phonemes]), FRAME) * FRAME)[0].tolist()


def test_sensible_durations_stay() -> None:
    seconds = [0.2, 0.05, 0.1, 0.3, 0.02, 0.08, 0.2]
    assert limited(seconds, encode("no, no")) == pytest.approx(seconds)


def test_endless_ones_are_cut_and_vanished_ones_are_heard() -> None:
    codes = encode("no, no")  # <sil> n oʊ , n oʊ <sil>
    found = limited([9.0, 9.0, 9.0, 9.0, 0.001, float("nan"), 0.3], codes)
    assert found == pytest.approx([1.2, 0.6, 0.6, 1.2, 0.02, 0.02, 0.3])


def test_a_hasty_sentence_is_stretched_and_padding_does_not_count() -> None:
    codes = [*encode("no no"), 0, 0]
    found = limited([0.1, 0.01, 0.03, 0.0, 0.01, 0.03, 0.1, 5.0, 5.0], codes)
    # 0.02, 0.03, 0.02, 0.03 have the mean 0.025, and 0.04 is the least.
    assert found[:7] == pytest.approx([0.1, 0.032, 0.048, 0.0, 0.032, 0.048, 0.1])


def bounds(text: str, pace: float) -> tuple[float, float]:
    """Shortest and longest possible seconds of a text, a frame of rounding for each symbol."""
    least = most = 0.0
    pieces = split_sentences(text)
    for piece in pieces:
        symbols = phonemize(piece)
        sounds = [s for s in symbols if s not in GAPS and s != SILENCE]
        gaps = len(symbols) - len(sounds)
        least += len(sounds) * HASTIEST_SENTENCE / pace - FRAME * 2
        most += (len(sounds) * LONGEST_PHONEME + gaps * LONGEST_PAUSE) / pace
        most += len(symbols) * FRAME
    pauses = (len(pieces) - 1) * PAUSE_SECONDS / pace
    return least + pauses, most + pauses


@pytest.fixture(scope="module", params=[2.0, 50.0, -50.0], ids=["usual", "endless", "collapsed"])
def tts(small_system: Path, request: pytest.FixtureRequest) -> Synthesizer:
    """A system whose predicted durations are usual, endless or none."""
    synthesizer = Synthesizer.from_pretrained(small_system, device="cpu")
    predictor = synthesizer._speaker.acoustic_model.duration_predictor
    torch.nn.init.constant_(predictor.output.bias, request.param)
    return synthesizer


@given(
    text=st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9 ,.$!?]{1,60}"), pace=st.floats(0.5, 2)
)
@settings(max_examples=20, deadline=None)
@pytest.mark.slow
def test_any_text_gives_finite_sound_within_the_bounds_of_its_phonemes(
    tts: Synthesizer, text: str, pace: float
) -> None:
    voice = tts.voice(prompt="A man.")
    try:
        least, most = bounds(text, pace)
    except InputError:
        return
    speech = tts(text, voice, steps=1, pace=pace)
    assert np.isfinite(speech.samples).all()
    assert least <= speech.seconds <= most
