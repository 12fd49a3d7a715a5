"""The texts that are spoken: their lengths, and that none comes again."""

import pytest

from mmtts.benchmarking.texts import KINDS, NAMES, text_of
from mmtts.text import split_sentences
from mmtts.text.phonemes import GAPS, SILENCE, phonemize


@pytest.mark.parametrize(
    ("kind", "seconds"), [("short", 2), ("sentence", 5), ("paragraph", 20), ("page", 60)]
)
def test_a_kind_lasts_about_as_long_as_it_says(kind: str, seconds: float) -> None:
    text = text_of(kind, 0)
    symbols = [s for sentence in split_sentences(text) for s in phonemize(sentence)]
    spoken = [s for s in symbols if s not in GAPS and s != SILENCE]
    assert len(spoken) / 12 == pytest.approx(seconds, rel=0.1)


def test_a_word_is_one_word_and_a_sentence_one_sentence() -> None:
    assert text_of("word", 0) == "Anna."
    assert all(
        len(split_sentences(text_of(kind, 5))) == 1 for kind in ("word", "short", "sentence")
    )


def test_no_sentence_comes_again_for_as_many_turns_as_there_are_names() -> None:
    assert len(set(NAMES)) == len(NAMES) == 48
    for kind in KINDS:
        spoken = [s for turn in range(48) for s in split_sentences(text_of(kind, turn))]
        assert len(set(spoken)) == len(spoken), kind
    kinds = [set(split_sentences(text_of(kind, turn))) for kind in KINDS for turn in range(48)]
    assert len(set.union(*kinds)) == sum(map(len, kinds))  # nor in a text of another kind
