"""Markup in plain text, and pronunciations in IPA."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import SYMBOLS, read_markup
from mmtts.text.ipa import parse_ipa
from mmtts.text.markup import MARKUP
from mmtts.text.script import Passage, Pause, Script


def test_words_get_pronunciations_and_pauses_lengths():
    script = read_markup("I met [Nguyen](/wˈɪn/).[pause:0.5s] [pause: 300 ms]Hi")
    assert script.pieces == (
        Passage("I met "),
        Passage("Nguyen", ("w", "ˈɪ", "n")),
        Passage("."),
        Pause(0.5),
        Passage(" "),
        Pause(0.3),
        Passage("Hi"),
    )


@given(st.text(alphabet=st.characters() | st.sampled_from("[](/)pause:0.5s"), min_size=1))
def test_text_without_markup_is_unchanged(text):
    if not MARKUP.search(text):
        assert read_markup(text) == Script((Passage(text),))


@pytest.mark.parametrize(
    "text", ["[sic]", "see [1](2)", "a [link](https://a.b/c)", "[pause]", "[]"]
)
def test_other_brackets_are_plain_text(text):
    assert read_markup(text) == Script((Passage(text),))


@pytest.mark.parametrize(
    ("written", "symbols"),
    [
        ("wˈɪn", "w ˈɪ n"),
        ("ˈwɪn", "w ˈɪ n"),  # stress in front of the syllable
        ("təˈmeɪ.toʊ", "t ə m ˈeɪ t oʊ"),
        ("tʃɝtʃ", "t͡ʃ ɚ t͡ʃ"),
        ("d͡ʒˌɔɪ", "d͡ʒ ˌɔɪ"),
        ("grin", "ɡ ɹ i n"),
        ("iːt", "i t"),
        ("nˈu  jˈɔɹk", "n ˈu <gap> j ˈɔ ɹ k"),
    ],
)
def test_ipa_becomes_symbols_of_the_models(written, symbols):
    expected = tuple(" " if symbol == "<gap>" else symbol for symbol in symbols.split(" "))
    assert parse_ipa(written) == expected
    assert set(expected) <= set(SYMBOLS)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("ɬan", "'ɬ', which is no sound of the models; they know aɪ"),
        ("", "no pronunciation"),
        ("nˈ", "stress without a vowel"),
        ("a,b", "'a'"),
        ("<sil>", "'<'"),
        ("ba" * 40, "'a'"),
        ("bi" * 40, "80 sounds; at most 50"),
    ],
)
def test_unusable_pronunciations(written, message):
    with pytest.raises(InputError, match=message):
        read_markup(f"[word](/{written}/)")


@pytest.mark.parametrize("pause", ["soon", "5", "11s", "-1s", "20000ms", ""])
def test_unusable_pauses(pause):
    with pytest.raises(InputError, match="pause"):
        read_markup(f"a [pause:{pause}] b")


def test_all_pauses_together_are_bounded() -> None:
    read_markup("A [pause:10s]" * 60)
    with pytest.raises(InputError, match="at most 600 s together, not 610 s"):
        read_markup("A [pause:10s]" * 61)
