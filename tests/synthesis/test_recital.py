"""Lines become one recording: where its words are, how long its pauses, and how soon it begins."""

import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.loudness import active_rms_db
from mmtts.synthesis.directions import Directions
from mmtts.synthesis.finishing import PAUSE_SECONDS
from mmtts.synthesis.manner import Manner
from mmtts.synthesis.provenance import MARK_RATE
from mmtts.synthesis.recital import EDGE_SECONDS, Recital
from mmtts.synthesis.speech_file import Speech
from mmtts.synthesis.spoken_words import SpokenWord, gain_curve, locate_words
from mmtts.synthesis.utterance import Utterance
from mmtts.text import read_ssml
from mmtts.text.lines import Line, Seam
from mmtts.text.script import Script

RATE = 16000
LONG = "The old baker carried his bread up the hill, and all of us came to eat it in the sun."


@pytest.fixture(scope="module")
def tts(small_system: Path) -> Synthesizer:
    return Synthesizer.from_pretrained(small_system, device="cpu")


@pytest.fixture(scope="module")
def voice(tts: Synthesizer) -> Voice:
    return tts.voice(prompt="A calm woman speaks.", seed=1)


def said(speech: Speech) -> str:
    return " ".join(f"{word.word}{word.mark}" for word in speech.words)


def gaps(speech: Speech) -> list[float]:
    words = speech.words
    return [b.start - a.end for a, b in pairwise(words)]


def test_words_lie_where_their_phonemes_do() -> None:
    # <sil> a | b c <sil> of 2, 3, 0, 1, 4 and 5 frames of 10 ms, each centered on its time
    words = locate_words(
        [("x", ""), ("mute", ""), ("y", ".")],
        [range(1, 2), range(3, 3), range(3, 5)],
        np.array([2, 3, 0, 1, 4, 5]),
        frame_seconds=0.01,
        seconds=0.14,
    )
    assert [(w.word, w.mark) for w in words] == [("x", ""), ("y", ".")]
    assert np.allclose([w[1:3] for w in words], [(0.015, 0.045), (0.045, 0.095)])


def test_loudness_glides_between_words() -> None:
    words = [SpokenWord("a", 0.1, 0.2), SpokenWord("b", 0.3, 0.4)]
    curve = 20 * np.log10(gain_curve(words, [0.0, 6.0], 5000, 10000))
    assert np.allclose(curve[[0, 1500, 2500, 3500, 4999]], [0, 0, 3, 6, 6], atol=1e-3)


def hum(start: float, end: float, seconds: float) -> Utterance:
    """A sound with one word in it."""
    samples = np.sin(np.arange(int(seconds * RATE), dtype=np.float32))
    return Utterance(samples, (SpokenWord("word", start, end),), (0.0,))


def recite(*seams: Seam | None) -> Speech:
    """Set words of half a second, with 0.2 s around them, behind one another."""
    recital = Recital(RATE, Manner())
    behind = [*seams[1:], None]
    lines = [
        Line("word", seam, is_open=after is not None)
        for seam, after in zip(seams, behind, strict=True)
    ]
    parts = [recital.append(line, hum(0.2, 0.7, 0.9)) for line in lines]
    return Speech.join(parts, RATE)


def test_sentences_are_apart_as_ever() -> None:
    speech = recite(None, None)
    assert speech.seconds == pytest.approx(0.9 + PAUSE_SECONDS + 0.9)
    assert gaps(speech) == pytest.approx([0.2 + PAUSE_SECONDS + 0.2], abs=1e-3)


@given(st.floats(2 * EDGE_SECONDS, 3), st.floats(2 * EDGE_SECONDS, 3))
@settings(max_examples=20, deadline=None)
def test_pauses_are_as_long_as_they_say(first: float, second: float) -> None:
    speech = recite(None, Seam(first), Seam(second))
    assert gaps(speech) == pytest.approx([first, second], abs=1e-3)
    middle = (speech.words[0].end + speech.words[1].start) / 2
    # Either word has its edge, and the mark on it reaches a window of 512 samples further.
    reach = EDGE_SECONDS + 512 / MARK_RATE
    assert not speech.samples[int(middle * RATE)] or first < 2 * reach


def test_silence_at_the_ends() -> None:
    recital = Recital(RATE, Manner())
    head = recital.append(Line("word", Seam(1.0), is_open=True), hum(0.2, 0.7, 0.9))
    assert head.words[0].start == pytest.approx(1.0, abs=1e-3)
    tail = recital.append(Line("", Seam(2.0)), Utterance(np.zeros(0, np.float32)))
    assert Speech.join([head, tail], RATE).seconds == pytest.approx(1.5 + 2.0, abs=1e-3)
    assert not tail.samples.any() and tail.words == ()


def check_words(speech: Speech) -> None:
    """Words are in order, apart, and inside of the sound."""
    times = [time for word in speech.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0 and times[-1] <= speech.seconds + 1e-9
    assert all(word.end > word.start for word in speech.words)


PIECES = ("One two.", "And, so; on", "it cost $3", "[pause:0.3s]", "[Nguyen](/wˈɪn/)", "Why?\n\n")


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5), st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=8, deadline=None)
@pytest.mark.slow
def test_words_are_ordered_and_the_same_in_every_way(
    tts: Synthesizer, voice: Voice, pieces: list[str], pace: float
) -> None:
    text = " ".join(["Start", *pieces])
    whole = tts(text, voice, pace=pace, steps=1)
    check_words(whole)
    parts = list(tts.stream(text, voice, pace=pace, steps=1, whole_sentences=True))
    joined = Speech.join(parts, tts.sample_rate)
    assert joined.words == whole.words
    np.testing.assert_array_equal(joined.samples, whole.samples)
    for part in parts:
        if part.words:
            check_words(part)
    batch, other = tts.batch([text, "Two."], voice, pace=pace, steps=1)
    check_words(batch)
    assert (said(batch), said(other)) == (said(whole), "Two.")
    # What shares a batch may move a rounded duration by a frame.
    assert [w.start for w in batch.words] == pytest.approx([w.start for w in whole.words], abs=0.1)


def test_words_are_said_as_they_are_heard(tts: Synthesizer, voice: Voice) -> None:
    speech = tts("Dr. [Nguyen](/wˈɪn/) paid $2. [pause:1.5s] Really?", voice)
    assert said(speech) == "Doctor Nguyen paid two dollars. Really?"
    assert gaps(speech)[-1] == pytest.approx(1.5, abs=1e-3)
    end, start = (int(t * RATE) for t in (speech.words[-2].end + 0.1, speech.words[-1].start - 0.1))
    assert not speech.samples[end:start].any()


def test_text_without_markup_sounds_as_its_script(tts: Synthesizer, voice: Voice) -> None:
    plain = tts("We are here. You too.", voice)
    script = read_ssml("<speak>We are here. <s>You too.</s></speak>")
    np.testing.assert_array_equal(plain.samples, tts(script, voice).samples)


def test_a_lexicon_is_heard(tts: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("Nguyen\twˈɪn\n")
    given = tts("[Nguyen](/wˈɪn/) left.", voice)
    for lexicon in ({"nguyen": "wˈɪn"}, tmp_path / "a.tsv"):
        found = tts("Nguyen left.", voice, lexicon=lexicon)
        np.testing.assert_array_equal(found.samples, given.samples)
    [batch] = tts.batch(["Nguyen left."], voice, lexicon={"nguyen": "wˈɪn"})
    np.testing.assert_array_equal(batch.samples, given.samples)
    assert not np.array_equal(tts("Nguyen left.", voice).samples, given.samples)


def test_a_system_may_have_a_lexicon(small_system: Path, tmp_path: Path) -> None:
    system = shutil.copytree(small_system, tmp_path / "system")
    (system / "lexicon.tsv").write_text("Nguyen\twˈɪn\nHo\tni\n")
    tts = Synthesizer.from_pretrained(system, device="cpu")
    voice = tts.voice(prompt="A man.")
    given = tts("[Nguyen](/wˈɪn/) Ho.", voice, lexicon={"Ho": "wi"})
    plain = tts("Nguyen [Ho](/wi/).", voice)
    np.testing.assert_array_equal(given.samples, plain.samples)


def ssml(inside: str) -> Script:
    return read_ssml(f"<speak>We <prosody {inside}>are all here</prosody> today.</speak>")


def seconds_of(speech: Speech, *names: str) -> float:
    return sum(word.end - word.start for word in speech.words if word.word in names)


def test_rate_changes_the_words_inside_alone(tts: Synthesizer, voice: Voice) -> None:
    plain, slow = tts(ssml("rate='default'"), voice), tts(ssml("rate='50%'"), voice)
    inside, outside = ("are", "all", "here"), ("We", "today")
    assert seconds_of(slow, *inside) == pytest.approx(2 * seconds_of(plain, *inside), rel=0.15)
    assert seconds_of(slow, *outside) == pytest.approx(seconds_of(plain, *outside), abs=0.05)
    assert len([1 for _ in tts.stream(ssml("rate='50%'"), voice)]) == 1  # in one breath


def test_volume_changes_the_words_inside_alone(tts: Synthesizer, voice: Voice) -> None:
    quiet = Voice(voice.vector, voice.origin, voice.speech_tts, loudness=-10.0)
    plain, loud = tts(ssml("volume='default'"), quiet), tts(ssml("volume='+6dB'"), quiet)
    assert plain.words == loud.words
    changes = []
    for word in plain.words:
        part = slice(int(word.start * RATE), int(word.end * RATE))
        levels = [20 * np.log10(np.std(speech.samples[part])) for speech in (plain, loud)]
        changes.append(levels[1] - levels[0])
    inside = np.mean(changes[1:4]) - np.mean([changes[0], changes[4]])
    assert inside == pytest.approx(6.0, abs=1.0)
    assert active_rms_db(loud.samples, RATE) > active_rms_db(plain.samples, RATE)


def test_pitch_is_refused_where_a_system_cannot_change_it(tts: Synthesizer, voice: Voice) -> None:
    with pytest.raises(InputError, match="this system cannot change the pitch of a voice"):
        tts.stream(ssml("pitch='low'"), voice)


def test_pitch_moves_the_voice(
    tts: Synthesizer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    direction = np.zeros(voice.vector.size)
    direction[0] = 0.5
    monkeypatch.setitem(vars(tts), "directions", Directions({"pitch": direction}))
    parts = list(tts.stream(read_ssml("<speak><prosody pitch='low'>Hi.</prosody></speak>"), voice))
    moved = tts("Hi.", tts.move(voice, "pitch", -0.5))
    np.testing.assert_array_equal(parts[0].samples, moved.samples)
    assert said(tts(ssml("pitch='high'"), voice)) == "We are all here today."


@pytest.mark.parametrize(
    ("inside", "options", "message"),
    [
        ("rate='50%'", {"pace": 0.3}, "pace must be from 0.25 to 4"),
        ("volume='+15dB'", {"loudness": 10.0}, "loudness must be from -20 to 20"),
    ],
)
def test_a_manner_and_a_delivery_stay_within_the_ranges(
    tts: Synthesizer, voice: Voice, inside: str, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tts.stream(ssml(inside), voice, **options)


def test_the_first_clause_comes_first(tts: Synthesizer, voice: Voice) -> None:
    parts = list(tts.stream(f"{LONG} Then we left.", voice))
    assert [said(part) for part in parts] == [
        "The old baker carried his bread up the hill,",
        "and all of us came to eat it in the sun.",
        "Then we left.",
    ]
    joined = Speech.join(parts, tts.sample_rate)
    check_words(joined)
    between = gaps(joined)
    assert between[8] == pytest.approx(0.2, abs=1e-3) and between[19] > between[8]
    fast = Speech.join(tts.stream(LONG, voice, pace=2.0), tts.sample_rate)
    assert gaps(fast)[8] == pytest.approx(0.1, abs=1e-3)
    assert len(list(tts.stream(LONG, voice, whole_sentences=True))) == 1


class Model:
    """A language model that notes how much of its text was asked for."""

    def __init__(self, chunks: Sequence[str]) -> None:
        self.chunks, self.asked = chunks, 0

    def __iter__(self) -> Iterator[str]:
        for chunk in self.chunks:
            self.asked += 1
            yield chunk


def test_sound_comes_before_the_later_text_is_asked_for(tts: Synthesizer, voice: Voice) -> None:
    model = Model(["We are ", "here. It ", "rains, ", "and it ", "pours. So ", "what?"])
    parts = tts.stream(model, voice)
    assert model.asked == 0
    assert said(next(parts)) == "We are here." and model.asked == 2
    assert said(next(parts)) == "It rains, and it pours." and model.asked == 5
    assert said(next(parts)) == "So what?" and next(parts, None) is None


def test_chunks_sound_like_the_text_at_once(tts: Synthesizer, voice: Voice) -> None:
    text = "Dr. No is here. [pause:1s] It costs $2.50, or so. Yes!"
    chunks = [text[i : i + 3] for i in range(0, len(text), 3)]
    parts = tts.stream(chunks, voice, seed=3, lexicon={"or so": "wi"})
    whole = tts(text, voice, seed=3, lexicon={"or so": "wi"})
    joined = Speech.join(parts, RATE)
    assert [w.word for w in joined.words] == [w.word for w in whole.words]
    assert joined.seconds == pytest.approx(whole.seconds, abs=0.3)


def test_chunks_with_nothing_to_speak(tts: Synthesizer, voice: Voice) -> None:
    with pytest.raises(InputError, match="nothing that can be spoken"):
        list(tts.stream(iter(["...", " "]), voice))
