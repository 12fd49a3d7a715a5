"""Which attributes a caption puts into words.

Caption corpora label the recording, not the sentence: a caption of a slow voice may never mention
the pace. A prompt is held only to what it says, so a label counts where a word betrays it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FEMALE = r"\b(she|her|hers|woman|women|lady|female|girl|schoolgirl|grandmother|mother|feminine)\b"
_MALE = r"\b(he|his|him|man|men|gentleman|guy|male|boy|schoolboy|grandfather|father|masculine)\b"
_WORDS = {
    "pitch": r"pitch|\btones?\b|\btune|\bdeep|shrill|treble|\bbass\b|low voice|high voice|sound",
    "pace": r"slow|fast|quick|rapid|speed|\bpace|tempo|\brate\b|brisk|hurr|leisure|deliberate|swift"
    r"|gradual|measured|rhythm|unhurried|lazily|gentle pace",
    "energy": r"energ|volume|loud|quiet|soft|power|vitality|enthusias|vigor|lively|liveliness|hush"
    r"|whisper|subdued|muted|murmur|dynamic|strength|intens",
}


def gender_named(text: str) -> str | None:
    """Return the gender that the words name, or None when there is none or both.

    Example:
        >>> gender_named("Ask a woman to speak slowly")
        'female'
    """
    female, male = (re.search(words, text.lower()) is not None for words in (_FEMALE, _MALE))
    if female == male:
        return None
    return "female" if female else "male"


def named(text: str, labels: Mapping[str, str | None]) -> dict[str, str]:
    """Keep the labels that the text puts into words.

    Args:
        text: The caption.
        labels: Attribute -> value as the corpus gives them for the recording.

    Returns:
        The attributes that the caption names. Gender comes from the words alone. Emotion is kept
        unless it is neutral, which captions do not mention.
    """
    lowered = text.lower()
    found = {"gender": gender_named(text)} | {
        name: labels.get(name) if re.search(words, lowered) else None
        for name, words in _WORDS.items()
    }
    emotion = labels.get("emotion")
    found["emotion"] = None if emotion == "neutral" and "neutral" not in lowered else emotion
    return {name: value for name, value in found.items() if value}
