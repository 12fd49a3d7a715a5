"""Lines: sentences with given words, seams and deliveries, however they were asked for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import phonemize, read_markup, read_ssml, split_sentences
from mmtts.text.lines import CLAUSE, Line, Seam, begin_quickly, compose
from mmtts.text.phonemes import lay_words
from mmtts.text.script import PLAIN, Delivery


def lines_of(text: str) -> list[Line]:
    return compose(read_markup(text))


def symbols_of(line: Line) -> list[str]:
    return lay_words([word for word, _ in line.read()])[0]


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9 ,.$!?'\n]{1,80}", fullmatch=True))
@settings(max_examples=100, deadline=None)
def test_plain_text_is_divided_as_ever(text):
    try:
        sentences = split_sentences(text)
    except InputError:
        with pytest.raises(InputError, match="nothing that can be spoken"):
            lines_of(text)
        return
    if "[" not in text:
        assert lines_of(text) == [Line(sentence) for sentence in sentences]


def test_plain_text_has_its_phonemes():
    [line] = lines_of("Dr. Smith paid $2, and left.")
    assert symbols_of(line) == phonemize("Dr. Smith paid $2, and left.")


def test_given_words_are_said_as_given_in_what_is_around_them():
    first, second = lines_of(
        "On 3/5/24 Dr. [Nguyen](/wɪn/)'s 2 dogs met [it](/ni/). (St. [Ives](/wi/)!)"
    )
    words = {word.text: (word.phonemes, word.mark) for word, _ in first.read()}
    assert first.said == "On March fifth, twenty twenty four Doctor Nguyen's two dogs met it."
    assert words["Nguyen's"] == (("w", "ɪ", "n", "z"), "")
    assert words["it"] == (("n", "i"), ".")
    assert second.said == "Saint Ives!"


@pytest.mark.parametrize(("ipa", "ending"), [("kit", "s"), ("dɪʃ", "ɪ z"), ("ɡoʊ", "z")])
def test_a_genitive_sounds_as_it_does_in_english(ipa, ending):
    [line] = lines_of(f"[It](/{ipa}/)'s")
    assert " ".join(line.read()[0][0].phonemes).endswith(ending)


def test_given_words_beside_letters_are_words_of_their_own():
    [line] = lines_of("un[believ](/ni/)able [a](/wi/)[b](/ni/)")
    assert [word.text for word, _ in line.read()] == ["un", "believ", "able", "a", "b"]


def test_many_given_words_keep_their_order():
    text = " ".join(f"[w{n}](/{'ni' * (n % 9 + 1)}/) and" for n in range(120))
    given = [w for line in lines_of(text) for w, _ in line.read() if w.text[0] == "w"]
    assert [word.text for word in given] == [f"w{n}" for n in range(120)]
    assert all(word.phonemes == ("n", "i") * (n % 9 + 1) for n, word in enumerate(given))


def test_words_that_look_like_codes_are_no_codes():
    [line] = lines_of("zuqoba ziqebe [x](/ni/) zuqodu")
    assert line.said == "zuqoba ziqebe x zuqodu"


def test_pauses_make_seams():
    lines = lines_of("[pause:1s]One. [pause:500ms][pause:250ms] Two [pause:2s] words.[pause:3s]")
    assert [(line.said, line.seam, line.is_open) for line in lines] == [
        ("One.", Seam(1.0), True),
        ("Two", Seam(0.75), True),
        ("words.", Seam(2.0), True),
        ("", Seam(3.0), False),
    ]


def test_pauses_side_by_side_have_a_limit():
    with pytest.raises(InputError, match="a pause lasts from 0 to 10 s, not 12 s"):
        lines_of("a [pause:6s] [pause:6s] b")


@pytest.mark.parametrize("text", ["[pause:1s]", "[pause:1s] ... [pause:1s]", ""])
def test_silence_alone_is_nothing_to_speak(text):
    with pytest.raises(InputError, match="nothing that can be spoken"):
        lines_of(text)


def ssml(inside: str) -> list[Line]:
    return compose(read_ssml(f"<speak>{inside}</speak>"))


def test_words_are_delivered_as_asked_within_their_sentence():
    slow, loud = Delivery(pace=0.75), Delivery(loudness=6.0)
    first, second = ssml(
        "I <prosody rate='slow'>paid $2, and. I</prosody> left, <prosody volume='loud'>today"
        "</prosody>, there."
    )
    assert [(word.text, word.mark, delivery) for word, delivery in first.read()] == [
        ("I", "", PLAIN),
        ("paid", "", slow),
        ("two", "", slow),
        ("dollars", ",", slow),
        ("and", ".", slow),
    ]
    assert [(word.text, word.mark, delivery) for word, delivery in second.read()] == [
        ("I", "", slow),
        ("left", ",", PLAIN),
        ("today", ",", loud),
        ("there", ".", PLAIN),
    ]


def test_another_pitch_is_another_line():
    lines = ssml(
        "I said <prosody pitch='low'>no</prosody> to him.<prosody pitch='high'>So.</prosody>"
    )
    assert [(line.said, line.delivery.pitch, line.seam) for line in lines] == [
        ("I said", 0.0, None),
        ("no", -0.5, CLAUSE),
        ("to him.", 0.0, CLAUSE),
        ("So.", 0.5, None),
    ]


LONG = "The old baker carried his bread up the hill, and all of us came to eat it in the sun."


def test_a_quick_beginning_is_a_clause():
    first, rest, last = begin_quickly(lines_of(f"{LONG} Then we left."))
    assert first == Line("The old baker carried his bread up the hill,", None, is_open=True)
    assert rest == Line("and all of us came to eat it in the sun.", CLAUSE)
    assert last == Line("Then we left.")


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("The rain has stopped, and we walk along the river.", None),  # short
        ("So, we all believe it to be true: but nobody knew what it was.",
         "So, we all believe it to be true:"),
        (LONG.replace(",", ""), "The old baker carried his bread up the hill"),
        ("word " * 30, ("word " * 12).strip()),
    ],
)  # fmt: skip
def test_where_a_beginning_ends(text, clause):
    first, *rest = begin_quickly(lines_of(text))
    assert first.text == clause if clause else not rest


@given(
    st.lists(st.sampled_from(["a", "and", "of", "word,", "hills", "it;"]), min_size=1, max_size=40)
)
@settings(deadline=None)
def test_a_quick_beginning_loses_nothing_and_is_bounded(words):
    [line, *_] = lines_of(" ".join(words))
    parts = line.part()
    assert " ".join(part.text for part in parts) == line.text
    assert len(parts) == 1 or len(parts[0].text) <= 60


def test_deliveries_go_on_behind_a_clause():
    lines = ssml(f"<prosody rate='fast'>{LONG}</prosody> So.")
    first, rest, last = begin_quickly(lines)
    assert {delivery.pace for _, delivery in first.read() + rest.read()} == {1.25}
    assert {delivery.pace for _, delivery in last.read()} == {1.0}
