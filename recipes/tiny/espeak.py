"""In-process speech synthesis with eSpeak NG (GPL-3, an optional extra), through ctypes."""

from __future__ import annotations

import ctypes
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.audio.files import Audio
from mmtts.audio.word_alignment import WordSpan

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
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
    """One English synthesizer. The library is global state: make only one per process.

    Its oscillators keep their phase, so the same sentences in the same order give the same
    samples in every process, but a sentence said twice does not.

    Raises:
        InputError: When `espeakng-loader` is not installed.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise InputError(
                "The tiny recipe speaks with eSpeak NG; run: pip install espeakng-loader"
            ) from error
        data = espeakng_loader.get_data_path()
        self.variants = {path.name for path in (Path(data) / "voices" / "!v").iterdir()}
        self._library: Any = ctypes.cdll.LoadLibrary(espeakng_loader.get_library_path())
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, str(data).encode(), _PHONEME_EVENTS
        )
        if self._rate <= 0:
            raise InputError(f"eSpeak NG cannot read its data in {data}; install it again.")
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
            text: English.
            variant: A name from `voices/!v`, e.g. "f2".
            pitch: 0 to 99, 50 = the variant's own.
            rate: Words per minute, 80 to 450.
            volume: 0 to 200, 100 = normal.

        Raises:
            InputError: When the variant is unknown; the library itself would fall back silently.
        """
        if variant not in self.variants:
            raise InputError(f"eSpeak NG has no voice variant {variant!r}.")
        library = self._library
        if library.espeak_SetVoiceByName(f"en-us+{variant}".encode()) != 0:
            raise InputError(f"eSpeak NG refuses the voice en-us+{variant}.")
        for parameter, value in ((_RATE, rate), (_VOLUME, volume), (_PITCH, pitch)):
            library.espeak_SetParameter(parameter, value, 0)
        self._wave, self._events = [], []
        # Breath and roughness are noise: without a seed no two runs would be the same.
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        ctypes.CDLL(None).srand(1)
        encoded = text.encode()
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
