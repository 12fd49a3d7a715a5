"""Forced alignment: what it accepts, and that it finds words where they are."""

import numpy as np
import pytest

from mmtts.audio.resampling import resample
from mmtts.audio.word_alignment import ALIGNER_RATE, WordAligner, spoken_words

pytest.importorskip("pocketsphinx")


@pytest.fixture(scope="module")
def aligner():
    return WordAligner({"zyzzy": "Z IH Z IY"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("WE CALL IT BEAR", ["we", "call", "it", "bear"]),
        ("Don't, please \u2014 it\u2019s Tom's!", ["don't", "please", "it's", "tom's"]),
        ("forty-two", ["forty", "two"]),
        ("in 1455", None),
        ("caf\u00e9", None),
        ("...", None),
        ("", None),
    ],
)
def test_splits_text_into_words_or_refuses(text, words):
    assert spoken_words(text) == words


def test_counts_phones_by_dictionary(aligner):
    assert aligner.count_phones("We see.") == 4
    assert aligner.count_phones("zyzzy") == 4
    assert aligner.count_phones("qwrtz") is None


def test_unknown_words_cannot_be_aligned(aligner):
    assert aligner.align(np.zeros(16000, np.float32), "qwrtz") is None


def test_noise_gives_all_words_or_none(aligner):
    noise = 0.05 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    spans = aligner.align(noise, "we call it bear")
    assert spans is None or [span.word for span in spans] == ["we", "call", "it", "bear"]


def test_finds_words_where_they_are_spoken(aligner):
    pytest.importorskip("espeakng_loader")
    from recipe_modules import load

    said = load("tiny", "espeak").Espeak().speak("The red door is open.", "m3", 50, 140, 100)
    samples = resample(said.audio.samples, said.audio.sample_rate, ALIGNER_RATE)
    padded = np.concatenate([np.zeros(8000, np.float32), samples])
    spans = aligner.align(padded, "The red door is open.")
    assert [span.word for span in spans] == ["the", "red", "door", "is", "open"]
    for span, true in zip(spans, said.words, strict=True):
        assert span.start == pytest.approx(true.start + 0.5, abs=0.12)


def test_an_aligner_that_forgets_hears_every_recording_as_its_first():
    pytest.importorskip("espeakng_loader")
    from recipe_modules import load

    rng = np.random.default_rng(0)
    noise = 0.3 * rng.standard_normal(2 * ALIGNER_RATE).astype(np.float32)
    for pitch in (30, 50, 70):
        said = load("tiny", "espeak").Espeak().speak("The sun is warm.", "f2", pitch, 150, 100)
        samples = resample(said.audio.samples, said.audio.sample_rate, ALIGNER_RATE)
        samples = samples + 0.02 * rng.standard_normal(len(samples)).astype(np.float32)
        aligner = WordAligner()
        first = aligner.align(samples, "The sun is warm.")
        aligner.align(noise, "we call it bear")
        aligner.forget()
        assert first is not None and aligner.align(samples, "The sun is warm.") == first
