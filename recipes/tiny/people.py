"""The people of the tiny recipe: who they are, how they speak, what they say.

Everything about a voice is chosen from five lists, and `faces.py` draws each choice. So it is known
what a face tells, and people of no training pair are combinations that were never seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np

from mmtts.audio.files import Audio
from mmtts.audio.loudness import active_rms_db, normalize_loudness

MOST = 648  # people who differ in more than their looks
SENTENCES = 40  # to choose from
SENTENCES_PER_PERSON = 3
_SOFT_HZ = 1000.0  # where the spectrum of a soft voice begins to fall

# Variants of eSpeak NG with clearly different spectra, by gender and age group: the timbres.
_VARIANTS = {
    ("female", "child"): ("f5", "Annie", "Alicia"),
    ("female", "young"): ("f4", "steph", "linda"),
    ("female", "middle-aged"): ("f3", "belinda", "Andrea"),
    ("female", "elderly"): ("grandma", "aunty", "f2"),
    ("male", "child"): ("f3", "f4", "steph"),
    ("male", "young"): ("m3", "Lee", "Alex"),
    ("male", "middle-aged"): ("m4", "m7", "Mike"),
    ("male", "elderly"): ("grandpa", "m5", "m6"),
}
# Median F0 in Hz of a sentence by pyworld, at the pitches 20, 50, 80 and 99 of eSpeak NG.
_SCALE = (20, 50, 80, 99)
_MEDIAN_HZ = {
    "Alex": (76, 104, 153, 197),
    "Alicia": (191, 249, 339, 421),
    "Andrea": (179, 243, 342, 429),
    "Annie": (193, 231, 290, 340),
    "Lee": (77, 96, 135, 169),
    "Mike": (84, 91, 120, 146),
    "aunty": (106, 172, 271, 357),
    "belinda": (163, 229, 325, 412),
    "f2": (150, 195, 263, 323),
    "f3": (164, 209, 265, 307),
    "f4": (134, 179, 248, 307),
    "f5": (153, 206, 283, 353),
    "grandma": (160, 199, 255, 305),
    "grandpa": (85, 104, 139, 171),
    "linda": (163, 228, 326, 412),
    "m3": (83, 104, 141, 173),
    "m4": (82, 94, 125, 152),
    "m5": (81, 103, 140, 171),
    "m6": (82, 101, 139, 172),
    "m7": (88, 106, 139, 169),
    "steph": (130, 184, 264, 335),
}
_YEARS = {"child": (7, 11), "young": (18, 29), "middle-aged": (36, 55), "elderly": (64, 82)}
_HZ = {"child": (240, 270, 300), "female": (182, 215, 255), "male": (98, 120, 146)}
_HZ_SPREAD = 0.05  # of a level, up and down
_RATE = (125, 165, 210)
_GAIN_DB = (-12.0, -6.0, 0.0)


class Person(NamedTuple):
    """One invented person.

    Attributes:
        name: Globally unique.
        gender: "female" or "male".
        age: In years.
        timbre: Which variant of eSpeak NG of this gender and age, 0 to 2.
        pitch, pace, energy: Levels 0 (low), 1, 2 (high) of the manner of speaking.
        seed: For the rest of pitch, and for all of a face that has nothing to do with the voice.
    """

    name: str
    gender: str
    age: int
    timbre: int
    pitch: int
    pace: int
    energy: int
    seed: int

    @property
    def espeak(self) -> dict[str, str | int]:
        """Arguments of `Espeak.speak`."""
        variant = _VARIANTS[self.gender, self.age_group][self.timbre]
        pitch = np.interp(self.hz, _MEDIAN_HZ[variant], _SCALE)
        return {
            "variant": variant,
            "pitch": round(float(pitch)),
            "rate": _RATE[self.pace],
            "volume": 100,  # `voice_effort` sets the level
        }

    @property
    def hz(self) -> float:
        """Median F0 of the voice in Hz: children have one scale, women and men their own."""
        levels = _HZ["child" if self.age_group == "child" else self.gender]
        return levels[self.pitch] * (1.0 + _HZ_SPREAD * (2.0 * self.depth - 1.0))

    @property
    def depth(self) -> float:
        """Where the voice lies within its level of pitch, 0 to 1."""
        return (self.seed // SENTENCES % 1000) / 999.0

    @property
    def age_group(self) -> str:
        """The age group of `_YEARS`."""
        return next(name for name, (_, last) in _YEARS.items() if self.age <= last)

    @property
    def sentences(self) -> list[int]:
        """Which sentences this person says; neighbors share some."""
        step = self.seed % SENTENCES
        return [(step + 3 * k) % SENTENCES for k in range(SENTENCES_PER_PERSON)]


def make_people(count: int) -> list[Person]:
    """Return people of whom no two agree in gender, age group, timbre, pitch, pace and energy.

    Args:
        count: 1 to `MOST`; half of them female, and all age groups equally frequent.
    """
    voices = {
        (gender, age): _shuffled(f"{gender} {age}")
        for gender in ("female", "male")
        for age in _YEARS
    }
    kinds = list(voices)
    people = []
    for k in range(count):
        gender, age_group = kind = kinds[k % len(kinds)]
        timbre, pitch, pace, energy = next(voices[kind])
        name = f"tiny-{gender}_{k // len(kinds):02d}{age_group[0]}"
        seed = _seed_of(name)
        first, last = _YEARS[age_group]
        age = first + seed % (last - first + 1)
        people.append(Person(name, gender, age, timbre, pitch, pace, energy, seed))
    return people


def _shuffled(kind: str) -> Iterator[tuple[int, ...]]:
    """All choices of timbre, pitch, pace and energy, in an order in which none tells another."""
    voices = list(product(range(3), repeat=4))
    for k in np.random.default_rng(_seed_of(kind)).permutation(len(voices)):
        yield voices[k]


def _seed_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def voice_effort(audio: Audio, energy: int) -> Audio:
    """Set the level and tilt the spectrum as vocal effort does: soft voices are quiet and dull.

    Preparation keeps the level as a number and levels the clip; the tilt stays audible.

    Args:
        audio: The voice.
        energy: 0 (low), 1 or 2 (high): 6 dB from one to the next.
    """
    from scipy.signal import lfilter

    samples, rate = audio.samples, audio.sample_rate
    level = active_rms_db(samples, rate) + _GAIN_DB[energy]
    if energy == 0:  # one pole
        pole = np.exp(-2 * np.pi * _SOFT_HZ / rate)
        samples = lfilter([1.0 - pole], [1.0, -pole], samples)
    elif energy == 2:
        samples = lfilter([1.0, -0.55], [1.0], samples)
    return Audio(normalize_loudness(samples, rate, level), rate)
