"""What a request may call a voice."""

from pathlib import Path

import numpy as np
import pytest

from mmtts import InputError, Voice
from mmtts.serving.errors import ApiError
from mmtts.serving.voice_book import VoiceBook, read_mix
from mmtts.serving.voice_store import VoiceStore


class TwoVoices:
    """A synthesizer with a ready voice and one that it makes of every description."""

    voices = ("amber",)

    def __init__(self) -> None:
        self.described = 0

    def voice(self, name: str | None = None, *, prompt: str = "") -> Voice:
        if name:
            return Voice(np.array([1.0, 0.0, 0.0]))
        self.described += 1
        return Voice(np.array([0.0, 1.0, 0.0]), loudness=4.0)


@pytest.fixture
def book(tmp_path: Path) -> VoiceBook:
    store = VoiceStore(tmp_path)
    store.add(Voice(np.array([0.0, 0.0, 1.0])), "Anna B.", 0.0)
    return VoiceBook(TwoVoices(), store)  # type: ignore[arg-type]


def test_mixes_are_read() -> None:
    assert read_mix("anna") == [("anna", 1.0)]
    assert read_mix("anna(2)+ben(1)") == [("anna", 2.0), ("ben", 1.0)]
    assert read_mix(" Anna B. ( 0.5 ) + ben ") == [("Anna B.", 0.5), ("ben", 1.0)]


@pytest.mark.parametrize(
    "text", ["a+", "+", "a(2", "a(-1)", "a(x)", "a(1)b", "a()", "+".join("abcdefghi")]
)
def test_other_mixes_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"write one as anna\(2\)\+ben\(1\)"):
        read_mix(text)


def test_a_ready_and_a_saved_voice_are_mixed(book: VoiceBook) -> None:
    assert list(book.find("amber", None, 0.5).vector) == [1, 0, 0]
    assert list(book.find("Anna B.", " ", 0.5).vector) == [0, 0, 1]
    mixed = book.find("amber(3) + Anna B.(4)", None, 0.5).vector
    assert mixed == pytest.approx([0.6, 0, 0.8])
    with pytest.raises(InputError, match="positive"):
        book.find("amber(0)+Anna B.", None, 0.5)


def test_instructions_alone_and_beside_a_voice(book: VoiceBook) -> None:
    for none in (None, "", "instructions"):
        voice = book.find(none, "A calm man.", 0.5)
        assert list(voice.vector) == [0, 1, 0] and voice.loudness == 4
    mixed = book.find("amber", "A calm man.", 0.8)
    assert mixed.vector == pytest.approx(np.array([0.2, 0.8, 0]) / np.hypot(0.2, 0.8))
    assert mixed.loudness == pytest.approx(3.2)
    assert book._synthesizer.described == 1  # type: ignore[attr-defined]  # once for all four


def test_what_is_not_there_is_refused(book: VoiceBook) -> None:
    with pytest.raises(ApiError) as refused:
        book.find("amber+nobody", None, 0.5)
    assert refused.value.status_code == 404 and "no voice 'nobody'" in refused.value.detail
    with pytest.raises(InputError, match="no voice is given"):
        book.find("instructions", None, 0.5)
