"""How to speak, checked. Nothing here needs torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mmtts import InputError
from mmtts.synthesis.voice import LOUDEST_DB
from mmtts.text.script import Delivery

RANGES = {
    "steps": (0, 100),
    "guidance": (0.0, 10.0),
    "pace": (0.25, 4.0),
    "semitones": (-12.0, 12.0),
    "loudness": (-LOUDEST_DB, LOUDEST_DB),
}


@dataclass(frozen=True)
class Manner:
    """How to speak, checked.

    Attributes:
        steps: Steps of the decoder, 0 to 100; 0 speaks the prior alone.
        guidance: How strongly the voice shapes the sound, 0 to 10.
        pace: Speaking rate relative to the voice's own, 0.25 to 4.
        seed: Of the decoder's noise.
        loudness: dB above the standard level, -20 to 20.
        accent: One that the model knows; None for its first.
        semitones: How much higher the melody is than the voice's own, -12 to 12.

    Raises:
        InputError: A number is out of its range.
    """

    steps: int = 4
    guidance: float = 1.0
    pace: float = 1.0
    seed: int = 0
    loudness: float = 0.0
    accent: str | None = None
    semitones: float = 0.0

    def __post_init__(self) -> None:
        for name in RANGES:
            require_range(name, getattr(self, name))
        require_seed(self.seed)

    def require(self, delivery: Delivery) -> None:
        """Refuse a delivery that leads out of the ranges together with this manner.

        Raises:
            InputError: It does.
        """
        require_range("pace", self.pace * delivery.pace)
        require_range("loudness", self.loudness + delivery.loudness)


def require_range(name: str, value: float) -> None:
    """Refuse a number outside of `RANGES[name]`.

    Raises:
        InputError: It is outside, or not finite.
    """
    low, high = RANGES[name]
    if not (math.isfinite(value) and low <= value <= high):
        raise InputError(f"{name} must be from {low:g} to {high:g}, not {value}")


def require_seed(seed: int) -> None:
    """Refuse what is no seed.

    Raises:
        InputError: The seed is negative or too large.
    """
    if not 0 <= seed < 2**63:
        raise InputError(f"a seed is a whole number from 0 to 2^63 - 1, not {seed}")
