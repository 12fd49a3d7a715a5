"""The eSpeak NG library (GPL-3, an optional extra), loaded once for a whole process."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mmtts import InputError

_SYNCHRONOUS = 2
_PHONEME_EVENTS = 1
# All that the library does depends on the voice that was chosen last. Choosing one also leaves a
# message to the synthesizer, which is never read while nothing is synthesized: so it is not done
# for every text.
_lock = threading.Lock()
_chosen = ""


class EspeakLibrary(NamedTuple):
    """The library, ready for use.

    Attributes:
        functions: Those of speak_lib.h.
        sample_rate: Of what it says, in Hz.
        data: The folder of its voices and dictionaries.
        version: Such as "1.52.0".
    """

    functions: Any
    sample_rate: int
    data: Path
    version: str


class _Voice(ctypes.Structure):
    """The beginning of `espeak_VOICE`."""

    _fields_ = [("name", ctypes.c_char_p)]


@cache
def load_espeak() -> EspeakLibrary:
    """Load the library of `espeakng-loader`.

    Raises:
        InputError: It is not installed, or broken.
    """
    try:
        import espeakng_loader
    except ImportError as error:
        raise InputError(
            "other languages than English need eSpeak NG; run: pip install espeakng-loader"
        ) from error
    data = Path(espeakng_loader.get_data_path())
    functions = ctypes.cdll.LoadLibrary(str(espeakng_loader.get_library_path()))
    rate = functions.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _PHONEME_EVENTS)
    if rate <= 0:
        raise InputError(f"eSpeak NG cannot read its data in {data}; install it again.")
    functions.espeak_Info.restype = ctypes.c_char_p
    functions.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
    functions.espeak_TextToPhonemes.restype = ctypes.c_char_p
    functions.espeak_TextToPhonemes.argtypes = [
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int,
        ctypes.c_int,
    ]
    return EspeakLibrary(functions, rate, data, functions.espeak_Info(None).decode())


@contextmanager
def choose_voice(voice: str, afresh: bool = False) -> Iterator[EspeakLibrary]:
    """Have the library to oneself, with a voice such as "de" or "en-us+f2".

    Args:
        voice: Its name.
        afresh: Put its parameters back to what they are by default, even if it spoke last.

    Raises:
        InputError: It has no such voice, or it is not installed.
    """
    global _chosen
    library = load_espeak()
    with _lock:
        if afresh or voice != _chosen:
            _chosen = ""
            if library.functions.espeak_SetVoiceByName(voice.encode()) != 0:
                raise InputError(
                    f"eSpeak NG has no voice {voice!r:.40}; write a language such as de or pt-br"
                )
            _chosen = voice
        yield library


def voice_name(voice: str) -> str:
    """Return the name that the library has for the language of a voice, such as "German".

    Raises:
        InputError: As `choose_voice`.
    """
    with choose_voice(voice) as library:
        name: bytes = library.functions.espeak_GetCurrentVoice().contents.name
        return name.decode().partition(" (")[0]
