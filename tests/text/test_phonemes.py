"""Phonemes: known words sound right, and no text whatever breaks the reading."""

import threading

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import SYMBOLS, encode, encode_symbols, phonemize, phonemize_words
from mmtts.text.normalization import normalize_text
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


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Dr. Smith paid $12.50.", "Doctor Smith paid twelve dollars fifty cents"),
        ("on May 3rd, 1999", "on May third nineteen ninety nine"),
        ("the 1990s", "the nineteen nineties"),
        ("3x4 is 12", "three x four is twelve"),
        ("rock & roll", "rock and roll"),
        ("a 50/50 chance", "a fifty fifty chance"),
        ("the BBC", "the B B C"),
        ("I'M HERE, DR. WHO", "i'm here doctor who"),
        ("1" * 20, " ".join(["one"] * 20)),
        ("½", "one two"),
    ],
)
def test_spoken_words(text, spoken):
    assert " ".join(word for word, _ in phonemize_words(text)) == spoken


def test_upper_case_text_sounds_like_lower_case_text():
    assert phonemize("MY DOG IS HERE.") == phonemize("my dog is here.")


def test_a_dash_is_a_pause_and_one_mark_is_kept_of_many():
    assert [s for s in phonemize("No — wait... what?!") if s in GAPS] == [",", "…", "?"]


@pytest.mark.parametrize("text", ["", " \n", "...!?", "北京", "😀", "\x00", "\ud800", "-", "''"])
def test_unspeakable_text_is_refused(text):
    with pytest.raises(InputError, match="nothing that can be spoken"):
        phonemize(text)


def test_unknown_characters_are_left_out(caplog):
    assert phonemize("hi 北京 there") == phonemize("hi there")
    assert "北京" in caplog.text


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


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_normalized_text_is_one_plain_line(text):
    normal = normalize_text(text)
    assert normal == " ".join(normal.split())
    assert normal.isprintable()


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
