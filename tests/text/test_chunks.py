"""Text that comes in chunks: spoken as soon as it is complete, and as if it came at once."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import read_markup
from mmtts.text.chunks import LONGEST_STRETCH, lines_of_chunks, read_stretches
from mmtts.text.lines import CLAUSE, Seam, compose

TEXT = (
    "Dr. Smith met [Mr. No](/nˈoʊ/) at 5 p.m. on Mar. 3. It cost $3.50, etc. and more... "
    '"Really?" he asked. [pause:1s] Yes! See a. b and 1. c.\n\nThe end'
)


class Source:
    """Chunks that count how many were asked for."""

    def __init__(self, *chunks: str) -> None:
        self.chunks, self.asked = chunks, 0

    def __iter__(self) -> Iterator[str]:
        for chunk in self.chunks:
            self.asked += 1
            yield chunk


@given(st.lists(st.integers(0, len(TEXT)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_it_does_not_matter_where_a_text_is_cut(cuts):
    places = [0, *sorted(cuts), len(TEXT)]
    chunks = [TEXT[a:b] for a, b in pairwise(places)]
    lines = list(lines_of_chunks(chunks, quick=False))
    assert [(line.said, line.seam) for line in lines] == [
        (line.said, line.seam) for line in compose(read_markup(TEXT))
    ]


@given(st.text(alphabet="ab .,!?[]()/:\nAB1", max_size=60), st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_stretches_lose_nothing(text, size):
    chunks = [text[i : i + size] for i in range(0, len(text), size)]
    assert "".join(stretch.text for stretch in read_stretches(chunks)) == text


def test_a_sentence_comes_as_soon_as_the_next_one_begins():
    source = Source("We are ", "here. The ", "dog ", "barks. It ", "never ", "stops")
    lines = lines_of_chunks(source)
    assert next(lines).said == "We are here." and source.asked == 2
    assert next(lines).said == "The dog barks." and source.asked == 4
    assert next(lines).said == "It never stops" and source.asked == 6


@pytest.mark.parametrize("text", ["Mr. Smith came. He left.", "I paid approx. five. Now go on."])
def test_abbreviations_end_no_sentence(text):
    found = [line.said for line in lines_of_chunks([text])]
    assert found == [line.said for line in compose(read_markup(text))]
    assert len(found) == 2


def test_a_paragraph_ends_at_once():
    source = Source("A title\n\n", "and more.")
    assert next(lines_of_chunks(source)).said == "a title" and source.asked == 1


def test_the_first_clause_of_a_long_sentence_does_not_wait_for_its_end():
    source = Source(
        "The old baker carried his bread, ",
        "and all of us came up the hill ",
        "to eat it ",
        "in the sun. ",
        "Then we left.",
    )
    lines = lines_of_chunks(source)
    first = next(lines)
    assert (first.said, first.is_open, source.asked) == (
        "The old baker carried his bread,",
        True,
        2,
    )
    assert [(line.said, line.seam) for line in lines] == [
        ("and all of us came up the hill to eat it in the sun.", CLAUSE),
        ("Then we left.", None),
    ]


def test_markup_waits_until_it_is_complete():
    source = Source(
        "We met [Dr. ", "No. Yes. He ", "is](/nˈoʊ/", ") here. [pause", ":1s] So it ", "is."
    )
    lines = list(lines_of_chunks(source))
    assert [(line.said, line.seam) for line in lines] == [
        ("We met Dr. No. Yes. He is here.", None),
        ("So it is.", Seam(1.0)),
    ]


def test_text_without_an_end_is_spoken_all_the_same():
    source = Source(*["and so on "] * 500)
    lines = lines_of_chunks(source, quick=False)
    next(lines)
    assert source.asked <= LONGEST_STRETCH // 10 + 1
    assert sum(line.said.count("so") for line in lines) > 480
    assert list(lines_of_chunks(["x" * 2000]))


@pytest.mark.parametrize("chunks", [[], [""], ["...", "\n\n", "[pause:1s]"], ["שלום."]])
def test_nothing_to_speak(chunks):
    with pytest.raises(InputError, match="nothing that can be spoken"):
        list(lines_of_chunks(chunks))


def test_what_is_no_text():
    with pytest.raises(InputError, match="chunks of str, not of int"):
        list(lines_of_chunks([1]))  # type: ignore[list-item]
