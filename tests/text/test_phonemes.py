"""Phonemes: known words sound right, and no text whatever breaks the reading."""

import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import SYMBOLS, encode, encode_symbols, phonemize, phonemize_words
from mmtts.text.phonemes import GAPS


def words_of(symbols):
    """Split the symbols at the gaps, by hand."""
    groups = [[]]
    for symbol in symbols[1:-1]:
        if symbol in GAPS:
            groups.append([])
        else:
            groups[-1].append(symbol)
    return [group for group in groups if group]


def test_symbols_are_unique_and_start_with_padding():
    assert len(set(SYMBOLS)) == len(SYMBOLS) == 82
    assert SYMBOLS[:3] == ("<pad>", "<sil>", " ")


def test_a_sentence_by_hand():
    assert phonemize("Hello, world!") == [
        "<sil>", "h", "ɛ", "l", "ˈoʊ", ",", "w", "ˈɚ", "l", "d", "!", "<sil>",
    ]  # fmt: skip
    assert encode("a") == [SYMBOLS.index(s) for s in ("<sil>", "ə", "<sil>")]


def test_spoken_words():
    words = [word for word, _ in phonemize_words("Dr. Smith paid $12.50, on May 3rd.")]
    assert " ".join(words) == "Doctor Smith paid twelve dollars fifty cents on May third"


def test_the_letter_a_and_the_article():
    assert dict(phonemize_words("A plan: plan A.")) == {
        "a": ["ə"],
        "plan": ["p", "l", "ˈæ", "n"],
        "A": ["ˈeɪ"],
    }


def test_the_sentence_ends_behind_a_letter():
    assert [s for s in phonemize("It was I. I got a B. Then?") if s in GAPS and s != " "] == [
        ".", ".", "?",
    ]  # fmt: skip


@pytest.mark.parametrize("word", ["flimflorb", "Xyzzq", "psst", "brrr", "Ngũgĩ", "Sk8er"])
def test_words_outside_of_the_lexicon_are_spoken(word):
    assert all(sounds for _, sounds in phonemize_words(word))


def test_upper_case_text_sounds_like_lower_case_text():
    assert phonemize("MY DOG IS HERE.") == phonemize("my dog is here.")


def test_a_dash_is_a_pause_and_one_mark_is_kept_of_many():
    assert [s for s in phonemize("No — wait... what?!") if s in GAPS] == [",", "…", "?"]


@pytest.mark.parametrize("text", ["", " \n", "...!?", "שלום", "😀", "\x00", "\ud800", "-", "''"])
def test_unspeakable_text_is_refused(text):
    with pytest.raises(InputError, match="nothing that can be spoken"):
        phonemize(text)


def test_unknown_characters_are_left_out(caplog):
    assert phonemize("hi שלום there") == phonemize("hi there")
    assert "שלום" in caplog.text


@given(st.text(max_size=40))
@example("Ⅷ²'0s")
@example("1/0 12/45/9999 5:99pm $" + "9" * 40)
@example("a" * 1000)
@example("\ud800<speak>&amp;\x85")
@settings(max_examples=60, deadline=None)
def test_any_text_is_symbols_or_one_sentence(text):
    try:
        symbols = phonemize(text)
    except InputError:
        return
    assert encode_symbols(symbols) == encode(text)
    assert symbols[0] == symbols[-1] == "<sil>"
    assert symbols[1] not in GAPS
    assert words_of(symbols) == [sounds for _, sounds in phonemize_words(text)]


def test_reading_works_in_many_threads():
    found = []
    threads = [
        threading.Thread(target=lambda i=i: found.append(phonemize(f"thread {i}")))
        for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3


def test_unknown_symbol_is_refused():
    with pytest.raises(InputError, match="ʘ"):
        encode_symbols(["ʘ"])
