"""Sentences: bounded pieces that lose nothing, fast."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import phonemize, split_sentences
from mmtts.text.normalization import normalize_text


def test_sentences_end_where_they_end():
    text = 'Dr. J. Smith left at 5 p.m. and ran. "Really?" He said no. Is 3.5 enough, etc. or not?'
    assert split_sentences(text + "\n\nYes") == [
        "Doctor J Smith left at five P M and ran.",
        "Really?",
        "He said no.",
        "Is three point five enough, et cetera or not?",
        "Yes",
    ]


def test_lower_case_sentences_are_split_too():
    assert split_sentences("come here. sit down!") == ["come here.", "sit down!"]


def test_an_ellipsis_ends_a_sentence_in_front_of_a_capital():
    assert split_sentences("Well... maybe. So... Yes.") == ["Well… maybe.", "So…", "Yes."]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("one two three, four five six seven", ["one two three,", "four five six seven"]),
        ("one two three; four, five six seven", ["one two three;", "four, five six seven"]),
        ("he came home and she went away", ["he came home", "and she went away"]),
        ("a small house in the green hills", ["a small house", "in the green hills"]),
        ("red green blue black white", ["red green blue", "black white"]),
    ],
)
def test_long_sentences_are_cut_where_it_hurts_least(text, pieces):
    assert split_sentences(text, 20) == pieces


def test_a_cut_leaves_no_small_rest():
    pieces = split_sentences("word " * 41)  # 204 characters
    assert min(map(len, pieces)) > 60


def test_numbers_count_as_they_are_said():
    assert all(len(piece) <= 200 for piece in split_sentences("7777777 " * 20))


def test_8000_characters_without_a_mark_are_cut_between_phrases():
    text = "the baker carried the bread up the hill and we all came to eat " * 125
    pieces = split_sentences(text)
    assert " ".join(pieces) == text.strip()
    assert all(66 < len(piece) <= 200 for piece in pieces)
    assert {piece.split()[0] for piece in pieces[1:]} <= {"and", "to", "up"}


def test_a_giant_word_is_cut():
    pieces = split_sentences("ab" * 500, 50)
    assert all(len(piece) <= 50 for piece in pieces)
    assert sum(piece.count("ab") for piece in pieces) == 500


@pytest.mark.parametrize(
    "text", ["A quick, brown fox! ", "word ", "x", "3.14159 ", "Mr. ", "... a"]
)
def test_a_hundred_thousand_characters_are_fast(text):
    begin = time.perf_counter()
    assert all(len(p) <= 200 for p in split_sentences(text * (100_000 // len(text))))
    assert time.perf_counter() - begin < 10


@pytest.mark.parametrize("text", ["", "  ", "...", "\n\n", "שלום", "!?" * 1000])
def test_unspeakable_text_is_refused(text):
    with pytest.raises(InputError, match="nothing that can be spoken"):
        split_sentences(text)


@given(st.text(max_size=100), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_pieces_are_bounded_and_in_order(text, limit):
    try:
        pieces = split_sentences(text, limit)
    except InputError:
        return
    assert all(0 < len(piece) <= limit for piece in pieces)
    whole = "".join("".join(normalize_text(p).split()) for p in text.split("\n\n"))
    where = 0
    if "\n" not in text:
        for piece in pieces:
            where = whole.index("".join(piece.split()), where)


@given(st.text(max_size=40), st.integers(10, 30))
@settings(max_examples=20, deadline=None)
def test_every_piece_can_be_spoken(text, limit):
    try:
        pieces = split_sentences(text, limit)
    except InputError:
        return
    for piece in pieces:
        assert phonemize(piece)
