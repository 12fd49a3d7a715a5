"""A script: what is to be said, and how, whatever it was written in.

Plain text, text with markup and SSML all become a script, and only scripts are spoken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmtts import InputError

LONGEST_PAUSE = 10.0  # s
LONGEST_SILENCE = 600.0  # s, all pauses of a script together: a few letters ask for a lot of it


@dataclass(frozen=True)
class Delivery:
    """How a stretch of speech differs from what the whole is spoken like.

    Attributes:
        pace: Times as fast.
        loudness: dB louder.
        pitch: How far the voice is moved along its direction of pitch; 1 is the way from low
            to high voices.
    """

    pace: float = 1.0
    loudness: float = 0.0
    pitch: float = 0.0


PLAIN = Delivery()


@dataclass(frozen=True)
class Passage:
    """A text to speak.

    Attributes:
        text: Of any length; blank lines end a sentence.
        phonemes: Of the whole text when they are given, see `mmtts.text.ipa.parse_ipa`; otherwise
            the text is read.
        delivery: How it is spoken.
    """

    text: str
    phonemes: tuple[str, ...] = ()
    delivery: Delivery = PLAIN


@dataclass(frozen=True)
class Pause:
    """Silence between the words around it; pauses side by side add up."""

    seconds: float


@dataclass(frozen=True)
class Script:
    """Pieces in the order in which they are heard.

    Raises:
        InputError: All pauses together are longer than `LONGEST_SILENCE`.
    """

    pieces: tuple[Passage | Pause, ...]

    def __post_init__(self) -> None:
        silence = sum(piece.seconds for piece in self.pieces if isinstance(piece, Pause))
        if silence > LONGEST_SILENCE:
            raise InputError(
                f"the pauses of a text last at most {LONGEST_SILENCE:g} s together, not "
                f"{silence:g} s; speak it in parts"
            )

    @property
    def text(self) -> str:
        """All that is spoken, as it was written."""
        return "".join(passage.text for passage in self.passages())

    def passages(self) -> Iterator[Passage]:
        """Yield the pieces that are spoken."""
        return (piece for piece in self.pieces if isinstance(piece, Passage))


def require_pause(seconds: float) -> float:
    """Return the length of a pause, in s.

    Raises:
        InputError: It is longer than `LONGEST_PAUSE`.
    """
    if not 0 <= seconds <= LONGEST_PAUSE:
        raise InputError(f"a pause lasts from 0 to {LONGEST_PAUSE:g} s, not {seconds:g} s")
    return seconds
