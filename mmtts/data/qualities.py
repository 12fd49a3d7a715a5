"""Voice qualities: impressions of a voice beside its attributes, each heard, not heard or unknown.

Many may be true at once, and listeners disagree: a quality counts where two of them name it, and
is denied where nobody does who could have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from mmtts import InputError
from mmtts.data.attributes import UNSPECIFIED

# Quality -> the words that count for it, of LibriTTS-P's impressions and ParaSpeechCaps' tags.
# Kept are those with at least ten speakers on either side in the lab recipe's corpora.
WORDS: dict[str, tuple[str, ...]] = {
    "masculine": ("masculine",),
    "feminine": ("feminine",),
    "full": ("thick", "dark", "deep", "booming", "rich", "full"),
    "bright": ("bright",),
    "clear": ("clear", "crisp", "enunciated"),
    "muffled": ("muffled", "slurred", "mumbled"),
    "raspy": ("raspy", "husky", "hoarse", "vocal-fry", "guttural", "scratchy", "croaky"),
    "soft": ("soft", "hushed", "gentle", "mellow", "silky", "smooth"),
    "sharp": ("sharp", "shrill", "piercing"),
    "powerful": ("powerful", "authoritative", "loud", "strong"),
    "weak": ("weak", "feeble", "frail"),
    "tense": ("tensed", "tense"),
    "relaxed": ("relaxed",),
    "lively": ("lively", "energetic"),
    "warm": ("sweet", "warm"),
    "kind": ("kind", "caring"),
    "cool": ("cool",),
    "strict": ("strict",),
    "modest": ("modest",),
    "elegant": ("elegant",),
    "intense": ("intense",),
    "mature": ("mature",),
    "youthful": ("young", "cute"),
}
QUALITIES = tuple(WORDS)
AGREEING = 2  # listeners who make a quality true
# The tags that listeners of ParaSpeechCaps (arXiv 2503.04713) chose from; they could add others.
OFFERED_TAGS = frozenset(
    {
        "authoritative",
        "booming",
        "crisp",
        "deep",
        "enunciated",
        "fast",
        "flowing",
        "guttural",
        "hesitant",
        "husky",
        "loud",
        "measured",
        "monotonous",
        "nasal",
        "pitchy",
        "punctuated",
        "raspy",
        "shrill",
        "silky",
        "singsong",
        "slow",
        "slurred",
        "soft",
        "staccato",
        "stammering",
        "vocal-fry",
    }
)


def hear_qualities(
    listeners: Sequence[Collection[str]], vocabulary: Collection[str]
) -> dict[str, bool]:
    """Decide what is known of a voice from what listeners said of it.

    Args:
        listeners: The words that each of them chose.
        vocabulary: The words that they could choose from.

    Returns:
        Quality -> True where at least `AGREEING` named it, False where nobody did who could have;
        the others are unknown.
    """
    heard = {}
    for quality, words in WORDS.items():
        votes = sum(not set(words).isdisjoint(said) for said in listeners)
        if votes >= AGREEING:
            heard[quality] = True
        elif not votes and listeners and not set(words).isdisjoint(vocabulary):
            heard[quality] = False
    return heard


def hear_tags(tags: Iterable[str]) -> dict[str, bool]:
    """Decide what is known of a voice from the tags of all ParaSpeechCaps listeners together.

    Args:
        tags: A tag as often as one of them chose it; one chosen n times counts for n listeners.
    """
    counts = Counter(tag.strip().lower() for tag in tags if tag.strip())
    most = max(counts.values(), default=0)
    listeners = [{tag for tag, count in counts.items() if count > k} for k in range(most)]
    return hear_qualities(listeners, OFFERED_TAGS)


def name_qualities(text: str, heard: Mapping[str, bool]) -> dict[str, bool]:
    """Return which of the qualities heard in a voice a sentence puts into words.

    Example:
        >>> name_qualities("She speaks softly.", {"soft": True, "raspy": True, "full": False})
        {'soft': True}
    """
    said = re.findall(r"[a-z-]+", text.lower())
    words = {*said, *(word.removesuffix("ly") for word in said)}
    return {name: True for name, has in heard.items() if has and not words.isdisjoint(WORDS[name])}


def encode_qualities(qualities: Mapping[str, bool]) -> np.ndarray:
    """Turn qualities into codes int64 (Q,): 1 true, 0 false, -1 unknown or not named.

    Raises:
        InputError: A quality is unknown.
    """
    wrong = set(qualities) - set(QUALITIES)
    if wrong:
        raise InputError(f"Unknown quality {min(wrong)!r}: known are {', '.join(QUALITIES)}.")
    codes = [int(qualities[name]) if name in qualities else UNSPECIFIED for name in QUALITIES]
    return np.array(codes, np.int64)


def format_qualities(qualities: Mapping[str, bool]) -> str:
    """Write qualities into one cell of a table: true ones by name, false ones with a minus.

    Example:
        >>> format_qualities({"soft": False, "full": True})
        'full;-soft'
    """
    return ";".join(
        name if qualities[name] else f"-{name}" for name in QUALITIES if name in qualities
    )


def parse_qualities(cell: str) -> dict[str, bool]:
    """Read what `format_qualities` wrote.

    Example:
        >>> parse_qualities("full;-soft")
        {'full': True, 'soft': False}
    """
    words = [word for word in cell.split(";") if word]
    return {word.removeprefix("-"): not word.startswith("-") for word in words}
