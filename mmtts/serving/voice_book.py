"""Voices by what a request calls them: an id, a name, a mix, or a description."""

from __future__ import annotations

import re
from functools import lru_cache

from mmtts import InputError
from mmtts.serving.errors import ApiError
from mmtts.serving.voice_store import VoiceStore
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.voice import Voice

DESCRIBED = "instructions"  # the name of the voice that the instructions alone describe
MOST_PARTS = 8  # of a mix
_PART = re.compile(r"\s*([^+()]+?)\s*(?:\(\s*(\d+(?:\.\d+)?)\s*\))?\s*")


def read_mix(text: str) -> list[tuple[str, float]]:
    """Read names with their shares: "anna(2)+ben(1)"; a share is 1 where none is given.

    Raises:
        InputError: It is written in another way.
    """
    parts = text.split("+")
    found = [_PART.fullmatch(part) for part in parts]
    if len(parts) > MOST_PARTS or not all(found):
        raise InputError(
            f"voice {text!r:.80} is neither a name nor a mix of at most {MOST_PARTS} voices; "
            "write one as anna(2)+ben(1)"
        )
    return [(match[1], float(match[2] or 1)) for match in found if match]


class VoiceBook:
    """Finds voices.

    Args:
        synthesizer: Has the ready voices and reads descriptions.
        store: Has the saved ones.
    """

    def __init__(self, synthesizer: Synthesizer, store: VoiceStore) -> None:
        self._synthesizer, self._store = synthesizer, store
        self._describe = lru_cache(maxsize=256)(lambda text: synthesizer.voice(prompt=text))

    def find(self, voice: str | None, instructions: str | None, share: float) -> Voice:
        """Find or make the voice of a request.

        Args:
            voice: A name, an id or a mix; None or `DESCRIBED` leaves the voice to the instructions.
            instructions: A description of a voice, or None.
            share: Of the described voice in the mix of both, between 0 and 1.

        Raises:
            ApiError: There is no such voice.
            InputError: Neither is given, or one of them cannot be used.
        """
        instructions = instructions if instructions and instructions.strip() else None
        named = None if voice in (None, "", DESCRIBED) else self.named(str(voice))
        if instructions is None:
            if named is None:
                raise InputError(
                    "no voice is given; name one in voice, or describe one in instructions"
                )
            return named
        described = self._describe(instructions)
        return described if named is None else Voice.mix([named, described], [1 - share, share])

    def named(self, text: str) -> Voice:
        """Find one voice, or several mixed; errors as in `find`."""
        parts = read_mix(text)
        voices = [self._one(name) for name, _ in parts]
        return voices[0] if len(voices) == 1 else Voice.mix(voices, [share for _, share in parts])

    def _one(self, name: str) -> Voice:
        if name in self._synthesizer.voices:
            return self._synthesizer.voice(name)
        if saved := self._store.find(name):
            return self._store.load(saved)
        raise ApiError(
            404, f"there is no voice {name!r:.80}; GET /v1/audio/voices lists them", "no_such_voice"
        )
