import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.metrics.recognition import (
    SentenceJudge,
    count_edits,
    count_errors,
    draw_distractors,
    edit_distance,
    plain_words,
)

POOL = [
    "The sun is warm.",
    "We walk along the river.",
    "A bird sings in the tree!",
    "Where is the old house?",
    "Rain falls on the road.",
    "They read a long letter.",
]


@pytest.fixture(scope="module")
def judge() -> SentenceJudge:
    return SentenceJudge()


def test_edit_distance_by_hand():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == 3
    assert edit_distance("abc", "") == 3
    assert edit_distance(["a", "b"], ["a", "b"]) == 0


@given(st.text("ab", max_size=7), st.text("ab", max_size=7), st.text("ab", max_size=7))
def test_edit_distance_is_a_metric(one, two, three):
    assert edit_distance(one, two) == edit_distance(two, one)
    assert edit_distance(one, three) <= edit_distance(one, two) + edit_distance(two, three)
    assert (edit_distance(one, two) == 0) == (one == two)


def test_errors_ignore_case_and_punctuation():
    errors = count_errors("Don't walk, Anna!", "don’t WALK anne")
    assert (errors.words, errors.n_words) == (1, 3)
    assert (errors.characters, errors.n_characters) == (1, len("don't walk anna"))
    assert plain_words("It's 'here' - now.") == ["it's", "here", "now"]
    with pytest.raises(InputError, match="no word"):
        count_errors("...", "anything")


def test_distractors_are_other_sentences_of_like_length():
    pool = [*POOL, "the sun is WARM"]
    rng = np.random.default_rng(0)
    drawn = draw_distractors(POOL[0], pool, 3, rng)
    assert len(set(drawn)) == 3
    assert "the sun is WARM" not in drawn  # the same words
    longest = "This very long sentence is much longer than all of the others are"
    near = draw_distractors(POOL[0], [*POOL, longest], 2, np.random.default_rng(1))
    assert longest not in near
    assert len(draw_distractors(POOL[0], POOL, 19, rng)) == 5  # all there are
    again = [draw_distractors(POOL[0], POOL, 3, np.random.default_rng(7)) for _ in range(2)]
    assert again[0] == again[1]


def test_what_the_dictionary_lacks_is_refused(judge):
    assert judge.knows("The sun is warm.")
    assert not judge.knows("The sun is qwxzt.")
    assert not judge.knows("")
    silence = np.zeros(16_000, np.float32)
    with pytest.raises(InputError, match="qwxzt"):
        judge.choose(silence, ["the sun", "qwxzt"])
    with pytest.raises(InputError, match="same words"):
        judge.choose(silence, ["The sun.", "the sun"])


def test_clips_that_are_no_speech_have_an_answer(judge):
    assert judge.choose(np.zeros(0, np.float32), POOL) is None
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    assert judge.choose(noise, POOL) in (None, *range(len(POOL)))


def test_synthetic_speech_is_identified_whatever_was_heard_before(judge, speak):
    clips = [speak(text) for text in POOL]
    chosen = [judge.choose(clip, POOL) for clip in clips]
    assert sum(index == said for said, index in enumerate(chosen)) >= len(POOL) - 1
    assert [judge.choose(clip, POOL) for clip in reversed(clips)] == chosen[::-1]


@pytest.mark.parametrize(
    ("said", "heard", "edits"),
    [
        ("a b c", "a b c", (0, 0, 0)),
        ("a b c", "a x c", (0, 0, 1)),
        ("a b c", "", (0, 3, 0)),
        ("a", "a b c", (2, 0, 0)),
        ("a b c d", "b c x e d", (2, 1, 0)),
        ("", "", (0, 0, 0)),
    ],
)
def test_edits_by_kind(said, heard, edits):
    assert count_edits(said.split(), heard.split()) == edits
    assert sum(edits) == edit_distance(said.split(), heard.split())
