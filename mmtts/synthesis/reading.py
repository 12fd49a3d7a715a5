"""Reading: a text becomes lines that a voice can speak, or is refused before it speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmtts import InputError
from mmtts.synthesis.manner import Manner
from mmtts.synthesis.voice import Voice
from mmtts.text.front_end import FrontEnd
from mmtts.text.lines import Line, compose
from mmtts.text.markup import read_markup
from mmtts.text.phonemes import warn_of_left_out
from mmtts.text.pronunciations import Pronunciations
from mmtts.text.script import Script

if TYPE_CHECKING:
    from mmtts.synthesis.directions import Directions


class VoiceStyle:
    """The style of a voice, and of the same voice at another pitch.

    Args:
        voice: Of the system's style space.
        directions: Gives those of the system when they are needed.
        device: Where styles are to lie.
    """

    def __init__(self, voice: Voice, directions: Callable[[], Directions], device: str) -> None:
        self._voice, self._directions, self._device = voice, directions, device

    def __call__(self, pitch: float) -> Tensor:
        """Return the style (1, D) after a move along the direction of pitch.

        Raises:
            InputError: The system has no such direction.
        """
        voice = self._voice
        if pitch:
            directions = self._directions()
            if "pitch" not in directions:
                raise InputError("this system cannot change the pitch of a voice; leave pitch out")
            voice = voice.move(directions["pitch"], pitch, "pitch")
        return torch.tensor(voice.vector, device=self._device)[None]


def read_lines(
    text: str | Script,
    lexicon: Pronunciations,
    style: VoiceStyle,
    manner: Manner,
    front_end: FrontEnd,
) -> list[Line]:
    """Read a text, see that it can be spoken, and warn of letters that cannot.

    Args:
        text: A text with markup, or a script.
        lexicon: Pronunciations.
        style: Of the voice.
        manner: How the whole is spoken.
        front_end: Of the language of the text.

    Raises:
        InputError: There is nothing to speak, or it cannot be spoken as it asks to be.
    """
    script = read_markup(text, front_end) if isinstance(text, str) else text
    warn_of_left_out(script.text, front_end)
    for delivery in {passage.delivery for passage in script.passages()}:
        manner.require(delivery)
        style(delivery.pitch)
    return compose(script, lexicon, front_end)


def read_texts(
    texts: Iterable[str | Script],
    lexicon: Pronunciations,
    style: VoiceStyle,
    manner: Manner,
    front_end: FrontEnd,
) -> Iterator[list[Line]]:
    """Read texts as `read_lines` does, each when it is its turn; errors tell which it is."""
    for number, text in enumerate(texts, start=1):
        try:
            yield read_lines(text, lexicon, style, manner, front_end)
        except InputError as error:
            raise InputError(f"text {number}: {error}") from error
