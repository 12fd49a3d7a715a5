"""SSML: what can be spoken is read, everything else is refused by its name, and bombs too."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import read_ssml
from mmtts.text.lines import compose
from mmtts.text.say_as import say_as
from mmtts.text.script import Delivery, Passage, Pause


def pieces(inside: str) -> list[Passage | Pause]:
    """What stands in a document, without the blank lines around it."""
    return list(read_ssml(f"<speak>{inside}</speak>").pieces[1:-1])


def said(inside: str) -> list[str]:
    return [line.said for line in compose(read_ssml(f"<speak>{inside}</speak>"))]


def test_everything_known():
    assert pieces(
        "I <sub alias='we'>Wii</sub><break time='250ms'/>"
        "<phoneme alphabet='ipa' ph='ˈwɪn'>Nguyen</phoneme>"
        "<prosody rate='slow' volume='-3dB' pitch='high'>no</prosody>"
    ) == [
        Passage("I "),
        Passage("we"),
        Pause(0.25),
        Passage("Nguyen", ("w", "ˈɪ", "n")),
        Passage("no", (), Delivery(0.75, -3.0, 0.5)),
    ]


def test_documents_as_they_are_found():
    xml = """<?xml version="1.0"?>
    <!-- a remark -->
    <speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">
      <p><s>One line
      and another</s><s>Two &amp; three</s></p>
    </speak>"""
    assert [line.said for line in compose(read_ssml(xml))] == [
        "One line and another",
        "Two and three",
    ]


def test_prosody_adds_up():
    [inner] = pieces(
        "<prosody rate='50%' volume='loud'><prosody rate='+20%' volume='+2dB'>x</prosody></prosody>"
    )
    assert inner.delivery.pace == pytest.approx(0.6)
    assert inner.delivery.loudness == 8.0


@pytest.mark.parametrize(
    ("strength", "seconds"), [("weak", 0.2), ("strong", 0.7), ("x-strong", 1.2)]
)
def test_strengths_of_breaks(strength, seconds):
    assert pieces(f"<break strength='{strength}'/>") == [Pause(seconds)]
    assert pieces("<break/>") == [Pause(0.4)]
    assert pieces("<break strength='none'/>") == []


@pytest.mark.parametrize(
    ("way", "written", "words"),
    [
        ("digits", "2024", "two zero two four"),
        ("digits", "+1 (555) 010", "one five five five zero one zero"),
        ("characters", "ab-1", "A B dash one"),
        ("characters", "a", "A"),
        ("cardinal", "1,234", "one thousand two hundred thirty four"),
        ("cardinal", "-5", "minus five"),
        ("ordinal", "21", "twenty first"),
        ("date", "3/5/2024", "March fifth, twenty twenty four"),
        ("date", "2024-03-05", "March fifth, twenty twenty four"),
        ("date", "5.3.", ""),
    ],
)
def test_ways_to_say(way, written, words):
    if words:
        assert said(f"<say-as interpret-as='{way}'>{written}</say-as>") == [words]
    else:
        assert say_as(written, way) == "May third"


@pytest.mark.parametrize(
    ("form", "written", "words"),
    [
        ("dmy", "5/3/1905", "March fifth, nineteen oh five"),
        ("ymd", "1905-3-5", "March fifth, nineteen oh five"),
        ("my", "12/1999", "December, nineteen ninety nine"),
        ("md", "12/24", "December twenty fourth"),
        ("y", "1999", "nineteen ninety nine"),
    ],
)
def test_formats_of_dates(form, written, words):
    assert say_as(written, "date", form) == words


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("<audio src='a.wav'/>", "<audio> is not understood"),
        ("<voice name='x'>a</voice>", "<voice> is not understood"),
        ("<amazon:effect>a</amazon:effect>", "<amazon:effect> is not understood"),
        ("<speak>a</speak>", "<speak> is not understood"),
        ("<break time='11s'/>", "a pause lasts from 0 to 10 s, not 11 s"),
        ("<break time='soon'/>", "'soon' is no length of a pause"),
        ("<break strength='odd'/>", "a break strength is none"),
        ("<break>a</break>", "<break> is empty"),
        ("<break until='x'/>", "<break> with 'until'"),
        ("<phoneme ph='q'>a</phoneme>", "'q', which is no sound"),
        ("<phoneme alphabet='x-sampa' ph='a'>a</phoneme>", "'x-sampa'"),
        ("<phoneme ph='i'><sub alias='a'>b</sub></phoneme>", "<phoneme> holds text alone"),
        ("<phoneme>a</phoneme>", "no pronunciation"),
        ("<sub>a</sub>", "needs an alias"),
        ("<prosody>a</prosody>", "needs a rate"),
        ("<prosody contour='x'>a</prosody>", "<prosody> with 'contour'"),
        ("<prosody pitch='+10Hz'>a</prosody>", "a pitch is x-low, low"),
        ("<prosody rate='9'>a</prosody>", "a rate is from 25% to 400%, not 900%"),
        ("<prosody rate='-100%'>a</prosody>", "a rate is from"),
        ("<prosody volume='silent'>a</prosody>", "a volume is x-soft"),
        ("<prosody volume='+30dB'>a</prosody>", "a volume is from -20dB"),
        ("<say-as interpret-as='rap'>a</say-as>", "say-as knows cardinal"),
        ("<say-as interpret-as='digits'>x</say-as>", "'x' cannot be said as digits"),
        ("<say-as interpret-as='date'>13/13/2024</say-as>", "cannot be said as date"),
        ("<say-as interpret-as='cardinal' format='x'>1</say-as>", "a format for dates alone"),
        ("<p xml:lang='de'>ja</p>", "the language 'de' is not spoken"),
        ("<p>", "no well-formed XML"),
        ("&nbsp;", "no well-formed XML"),
        ("<p>" * 40 + "</p>" * 40, "more than 32 levels"),
        ("a" * 1_000_001, "at most 1,000,000"),
    ],
)
def test_what_is_refused(inside, message):
    with pytest.raises(InputError, match=message.replace("+", r"\+")) as caught:
        read_ssml(f"<speak>{inside}</speak>")
    assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE a [<!ENTITY b 'boom'>]>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1/a.dtd'>",
        "<!DOCTYPE a ["
        + "<!ENTITY b0 'boom'>"
        + "".join(f"<!ENTITY b{n} '{f'&b{n - 1};' * 10}'>" for n in range(1, 10))
        + "<!ENTITY b '&b9;'>]>",
    ],
)
def test_entities_are_refused_at_once(doctype):
    begin = time.perf_counter()
    with pytest.raises(InputError, match="declares a document type or entities"):
        read_ssml(f"<?xml version='1.0'?>{doctype}<speak>&b;</speak>")
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("xml", ["", "Hello.", "<p>a</p>", "\0", "<speak>\ud800</speak>x"])
def test_what_is_no_ssml(xml):
    with pytest.raises(InputError):
        read_ssml(xml)


@given(st.text(alphabet="<>/&;'\"= abspekrthm!-[]?\n", max_size=60))
def test_anything_is_read_or_refused(text):
    with contextlib.suppress(InputError):
        read_ssml(f"<speak>{text}</speak>")
