"""In-process speech synthesis with eSpeak NG (GPL-3, an optional extra), through ctypes."""

from __future__ import annotations

import ctypes
import re
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.audio.files import Audio
from mmtts.audio.word_alignment import WordSpan
from mmtts.text.espeak_library import choose_voice, load_espeak

_UTF8 = 1
_WORD, _END, _PHONEME = 1, 5, 7
_RATE, _VOLUME, _PITCH = 1, 2, 3


class _Event(ctypes.Structure):
    """`espeak_EVENT` of speak_lib.h; positions are in milliseconds of audio or bytes of text."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Utterance(NamedTuple):
    """Synthesized speech: its sound, where its words are, and how many phones."""

    audio: Audio
    words: list[WordSpan]
    n_phones: int


class Espeak:
    """One synthesizer. The library is global state: make only one per process.

    Its oscillators keep their phase, so the same sentences in the same order give the same
    samples in every process, but a sentence said twice does not.

    Args:
        language: Code of what it speaks.

    Raises:
        InputError: When `espeakng-loader` is not installed.
    """

    def __init__(self, language: str = "en-us") -> None:
        library = load_espeak()
        self.variants = {path.name for path in (library.data / "voices" / "!v").iterdir()}
        self._language, self._rate = language, library.sample_rate
        self._library: Any = library.functions
        self._wave: list[np.ndarray] = []
        self._events: list[tuple[int, int, int, int]] = []
        # The library keeps only the pointer; without this reference the callback would be freed.
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._wave.append(np.ctypeslib.as_array(wave, (count,)).copy())
        k = 0
        while events[k].type != 0:
            event = events[k]
            # Pauses are phonemes too, named "_" or "_:".
            if event.type != _PHONEME or not event.name.startswith(b"_"):
                self._events.append(
                    (event.type, event.text_position, event.length, event.audio_position)
                )
            k += 1
        return 0

    def speak(self, text: str, variant: str, pitch: int, rate: int, volume: int) -> Utterance:
        """Say one sentence.

        Args:
            text: In its language.
            variant: A name from `voices/!v`, e.g. "f2".
            pitch: 0 to 99, 50 = the variant's own.
            rate: Words per minute, 80 to 450.
            volume: 0 to 200, 100 = normal.

        Raises:
            InputError: When the language or the variant is unknown; the library itself would fall
                back silently where it is the variant.
        """
        if variant not in self.variants:
            raise InputError(f"eSpeak NG has no voice variant {variant!r}.")
        library, encoded = self._library, text.encode()
        self._wave, self._events = [], []
        with choose_voice(f"{self._language}+{variant}", afresh=True):
            for parameter, value in ((_RATE, rate), (_VOLUME, volume), (_PITCH, pitch)):
                library.espeak_SetParameter(parameter, value, 0)
            # Breath and roughness are noise: without a seed no two runs would be the same.
            library.espeak_ng_SetRandSeed(ctypes.c_long(1))
            ctypes.CDLL(None).srand(1)
            library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
            library.espeak_Synchronize()
        wave = np.concatenate(self._wave).astype(np.float32) / 32768.0
        audio = Audio(wave, self._rate)
        n_phones = sum(event[0] == _PHONEME for event in self._events)
        return Utterance(audio, self._words(text, _last_sound(audio)), n_phones)

    def _words(self, text: str, last_sound: float) -> list[WordSpan]:
        """Turn word events into spans; a word lasts until the next one or the last sound.

        Short words that are said as one with the word before ("in the") have no event: they share
        its span.
        """
        marks = [event for event in self._events if event[0] in (_WORD, _END)]
        said = {
            position - 1: (start / 1000.0, min(end / 1000.0, last_sound))
            for (kind, position, _, start), (_, _, _, end) in pairwise(marks)
            if kind == _WORD and end > start
        }
        spans: list[WordSpan] = []
        for found in re.finditer(r"[\w']+", text):
            if found.start() in said:
                spans.append(WordSpan(found[0].lower(), *said[found.start()]))
            elif spans:
                spans.append(spans[-1]._replace(word=found[0].lower()))
        return spans


def _last_sound(audio: Audio) -> float:
    """Return where the sentence ends in seconds; the library adds a pause."""
    loud = np.flatnonzero(np.abs(audio.samples) > 0.02 * np.abs(audio.samples).max())
    return float(loud[-1] + 1) / audio.sample_rate if len(loud) else 0.0
