"""The people of the tiny recipe: who they are, how they speak, what they say."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from mmtts.audio.files import Audio
from mmtts.audio.loudness import active_rms_db, normalize_loudness

SENTENCES_PER_PERSON = 10
_SOFT_HZ = 1000.0  # where the spectrum of a soft voice begins to fall

SENTENCES = (
    "The little boat came home before the storm.",
    "Please put the green cup on the table.",
    "We walked along the river until it was dark.",
    "My brother plays the drum every Sunday.",
    "There is a light at the end of the road.",
    "She keeps her garden full of yellow flowers.",
    "Can you hear the wind in the trees?",
    "The old clock in the hall has stopped again.",
    "I will meet you at the station at noon.",
    "Fresh bread and warm milk make a good breakfast.",
    "The children ran down the hill to the lake.",
    "Never leave the kitchen door open at night.",
    "He wrote a long letter to his sister.",
    "The red fox waited behind the wooden fence.",
    "It rained all day, and then the sun came out.",
    "Bring me the blue book from the upper shelf.",
    "A quiet voice answered from the other room.",
    "The train was late because of the snow.",
    "We saw a thousand stars above the desert.",
    "Turn left at the bridge and follow the path.",
    "The baker opens his shop early in the morning.",
    "I have never tasted such a sweet orange.",
    "Two birds built a nest under our roof.",
    "Let us sing the song that we learned today.",
    "The doctor asked him to breathe slowly.",
    "Her answer was short, but it was kind.",
    "The farmer counted his sheep twice.",
    "You should thank your uncle for the gift.",
    "A cold winter follows a golden autumn.",
    "The music stopped when the lamp went out.",
    "Why did the horse jump over the wall?",
    "They painted the house white and the door red.",
    "Most of the shops close at six o'clock.",
    "The bird on the chimney watched the smoke rise.",
    "Give the dog some water after the walk.",
    "Our teacher told a story about the sea.",
    "I found a silver coin between the stones.",
    "The judge listened to every word they said.",
    "Good friends are worth more than money.",
    "The moon was bright enough to read by.",
)

# Variants of eSpeak NG with clearly different spectra, by gender and age group.
_VARIANTS = {
    ("female", "child"): ("f5", "Annie", "f2"),
    ("female", "young"): ("f4", "steph", "linda", "f2", "Alicia"),
    ("female", "middle-aged"): ("f3", "belinda", "f1", "shelby", "Andrea"),
    ("female", "elderly"): ("grandma", "aunty", "f1"),
    ("male", "child"): ("f3", "f4", "steph"),
    ("male", "young"): ("m3", "Lee", "m1", "Andy", "david"),
    ("male", "middle-aged"): ("m4", "m7", "Mike", "m2", "travis"),
    ("male", "elderly"): ("grandpa", "m5", "m6"),
}
_YEARS = {"child": (7, 11), "young": (18, 29), "middle-aged": (36, 55), "elderly": (64, 82)}
# Children's pitch starts higher on the variant's own scale: 50 is the variant's default.
_PITCH = {"child": (72, 84, 96), "young": (30, 50, 75), "middle-aged": (22, 42, 66)}
_PITCH["elderly"] = (25, 45, 70)
_RATE = (125, 165, 210)
_GAIN_DB = (-12.0, -6.0, 0.0)


class Person(NamedTuple):
    """One invented person.

    Attributes:
        name: Globally unique.
        gender: "female" or "male".
        age: In years.
        variant: eSpeak NG voice variant.
        pitch, pace, energy: Levels 0 (low), 1, 2 (high) of the manner of speaking.
        seed: For everything about the face that has nothing to do with the voice.
    """

    name: str
    gender: str
    age: int
    variant: str
    pitch: int
    pace: int
    energy: int
    seed: int

    @property
    def espeak(self) -> dict[str, str | int]:
        """Arguments of `Espeak.speak`."""
        return {
            "variant": self.variant,
            "pitch": _PITCH[self.age_group][self.pitch],
            "rate": _RATE[self.pace],
            "volume": 100,  # `voice_effort` sets the level
        }

    @property
    def age_group(self) -> str:
        """The age group of `_YEARS`."""
        return next(name for name, (_, last) in _YEARS.items() if self.age <= last)

    @property
    def sentences(self) -> list[int]:
        """Which sentences this person says; neighbors share some."""
        step = self.seed % len(SENTENCES)
        return [(step + 3 * k) % len(SENTENCES) for k in range(SENTENCES_PER_PERSON)]


def make_people() -> list[Person]:
    """Return 32 people, half of them female, who differ in variant, pitch, pace or energy."""
    people = []
    for gender in ("female", "male"):
        groups = [(age, v) for (g, age), names in _VARIANTS.items() if g == gender for v in names]
        for k, (age_group, variant) in enumerate(groups):
            name = f"tiny-{gender}_{k:02d}"
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            first, last = _YEARS[age_group]
            age = first + seed % (last - first + 1)
            # A Latin square: every level meets every age, and no two levels always go together.
            levels = (k % 3, (k // 3 + k) % 3, (k // 3 + 2 * k + (gender == "male")) % 3)
            people.append(Person(name, gender, age, variant, *levels, seed))
    return people


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
