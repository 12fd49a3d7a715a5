"""Our own prompts (public domain) for voice qualities: alone, in twos, and with the manner.

The wording follows LibriTTS-P's impressions (arXiv 2406.07969): who, with such and such a voice.
"""

from __future__ import annotations

from itertools import product

from mmtts.data.corpora.records import StylePrompt
from mmtts.data.corpora.wording import gender_named
from mmtts.data.prompt_templates import ENERGY, PACE, PEOPLE, PITCH

NAME = "quality_templates"
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "masculine": ("masculine", "very masculine"),
    "feminine": ("feminine", "very feminine"),
    "full": ("full", "thick", "rich"),
    "bright": ("bright", "sunny"),
    "clear": ("clear", "crisp"),
    "muffled": ("muffled", "indistinct"),
    "raspy": ("raspy", "husky", "hoarse"),
    "soft": ("soft", "gentle", "mellow"),
    "sharp": ("sharp", "piercing"),
    "powerful": ("powerful", "commanding"),
    "weak": ("weak", "feeble"),
    "tense": ("tense", "strained"),
    "relaxed": ("relaxed", "easy-going"),
    "lively": ("lively", "animated"),
    "warm": ("warm", "sweet"),
    "kind": ("kind", "friendly and kind"),
    "cool": ("cool", "cool and distant"),
    "strict": ("strict", "stern"),
    "modest": ("modest", "humble"),
    "elegant": ("elegant", "refined"),
    "intense": ("intense", "fierce"),
    "mature": ("mature", "seasoned"),
    "youthful": ("youthful", "cute"),
}
# Listeners often hear these in one voice.
COMBINED = (
    ("full", "powerful"),
    ("full", "mature"),
    ("bright", "clear"),
    ("bright", "lively"),
    ("bright", "youthful"),
    ("clear", "elegant"),
    ("clear", "powerful"),
    ("muffled", "weak"),
    ("raspy", "full"),
    ("raspy", "tense"),
    ("soft", "kind"),
    ("soft", "warm"),
    ("soft", "relaxed"),
    ("sharp", "tense"),
    ("sharp", "strict"),
    ("powerful", "lively"),
    ("powerful", "intense"),
    ("tense", "clear"),
    ("warm", "elegant"),
    ("kind", "modest"),
    ("cool", "mature"),
    ("masculine", "full"),
    ("masculine", "cool"),
    ("feminine", "elegant"),
    ("feminine", "bright"),
)
WHO = (
    ("someone", None),
    ("a person", None),
    *((who, gender) for gender in ("female", "male") for who in PEOPLE[gender, None]),
)
# The wordings of each family: without a manner, and with one.
FRAMES = (
    ("{Who} with {a} voice.", "{Who} with {a} voice speaks {how}."),
    ("This is {who} whose voice sounds {quality}.", "{Who} sounds {quality}, talking {how}."),
    ("The {quality} voice of {who}.", "The {quality} voice of {who} speaking {how}."),
    (
        "Read this aloud in the {quality} tones of {who}.",
        "Read this aloud in the {quality} tones of {who}, {how}.",
    ),
    (
        "I would love to hear {who} who comes across as {quality}.",
        "I would love to hear {who} who comes across as {quality} say this {how}.",
    ),
    ("Listeners call {who} {quality}.", "Listeners call {who} {quality}, when it is said {how}."),
)


def quality_prompts() -> list[StylePrompt]:
    """Return prompts that name one or two qualities, every second one also a manner."""
    manners = [
        (how, {name: value})
        for name, table in (("pitch", PITCH), ("pace", PACE), ("energy", ENERGY))
        for value, phrases in table.items()
        for how in phrases
    ]
    prompts = []
    for count, (who, (words, qualities)) in enumerate(product(WHO, _phrases())):
        people, gender = who
        gender = gender or gender_named(words)
        if gender_named(f"{people} {words}") != gender:
            continue  # "a man with a feminine voice": our voices have one gender
        named = {"gender": gender} if gender else {}
        lap, place = divmod(count, len(FRAMES))
        plain, with_manner = FRAMES[place]
        how, manner = manners[lap % len(manners)]
        frame, manner = (with_manner, manner) if count % 4 < 2 else (plain, {})
        text = frame.format(
            who=people,
            Who=people[0].upper() + people[1:],
            a=f"{'an' if words[0] in 'aeiou' else 'a'} {words}",
            quality=words,
            how=how,
        )
        prompts.append(StylePrompt(NAME, text, named | manner, plain, qualities=qualities))
    return prompts


def _phrases() -> list[tuple[str, dict[str, bool]]]:
    """Return the words for single qualities and for two together."""
    single = [(word, {name: True}) for name, words in ADJECTIVES.items() for word in words]
    double = [
        (f"{ADJECTIVES[first][k % 2]} and {ADJECTIVES[second][0]}", {first: True, second: True})
        for k, (first, second) in enumerate(COMBINED)
    ]
    return single + double
