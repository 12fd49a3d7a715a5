"""The lexicon in memory says what gruut's file says, and finds a word without going through all."""

import random
import sqlite3
from importlib.resources import files

import gruut
import pytest

from mmtts.text import ENGLISH
from mmtts.text.lexicon import index_lexicon

# As gruut asks; which of several pronunciations comes first counts.
QUERY = "SELECT role, phonemes FROM word_phonemes WHERE word = ? ORDER BY pron_order"


@pytest.fixture(scope="module")
def both():
    """gruut's file and the copy."""
    return sqlite3.connect(files("gruut_lang_en") / "lexicon.db"), index_lexicon()


def test_every_word_is_said_as_in_the_file(both):
    file, copy = both
    said = {}
    for word, *how in file.execute(
        "SELECT word, role, phonemes FROM word_phonemes ORDER BY pron_order"
    ):
        said.setdefault(word, []).append(tuple(how))
    assert len(said) > 100_000
    words = [*random.Random(0).sample(sorted(said), 20_000), "read", "wind", "nowhere there"]
    assert [copy.execute(QUERY, (w,)).fetchall() for w in words] == [said.get(w, []) for w in words]


def test_a_word_is_found_by_an_index(both):
    plans = [
        str(lexicon.execute(f"EXPLAIN QUERY PLAN {QUERY}", ("a",)).fetchall()) for lexicon in both
    ]
    assert "SCAN" in plans[0], "gruut has an index of its own now: index_lexicon can go"
    assert "USING INDEX" in plans[1]


def test_sentences_are_read_as_gruut_alone_reads_them():
    for text in (
        "He read what they read , and wound the wound .",
        "Nathan's zyxgrubbly cat has lived there since the spring , with O'Brien .",
        '"Well , well" ; McTavish said : is it so ?',
    ):
        alone = [
            (word.text, "".join(word.phonemes))
            for sentence in gruut.sentences(text, lang="en-us")
            for word in sentence
            if word.is_spoken
        ]
        ours = [(word.text, "".join(word.phonemes)) for word in ENGLISH.read_words(text)]
        assert [text for text, _ in ours] == [text for text, _ in alone]
        plain = str.maketrans("", "", "ː")
        assert [p.translate(plain) for _, p in ours] == [p.translate(plain) for _, p in alone]
