"""Which attributes a caption puts into words, and what is left of it without them.

Caption corpora label the recording, not the sentence: a caption of a slow voice may never mention
the pace. A prompt is held only to what it says, so a label counts where a word betrays it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FEMALE = r"\b(she|her|hers|woman|women|lady|female|girl|schoolgirl|grandmother|mother|feminine)\b"
_MALE = r"\b(he|his|him|man|men|gentleman|guy|male|boy|schoolboy|grandfather|father|masculine)\b"
_NORMAL = (
    r"(normal|regular|usual|standard|average|typical|ordinary|moderate|customary|common|medium"
    r"|middle|natural|stable|steady|constant)(ly)?"
)
_TONE = r"(pitch(ed)?|tones?|toned|tune|voiced?|register|(?<!-)key|range|note|timbre)"
_POWER = (
    r"(energy|volume|loudness|vigor|vitality|liveliness|enthusiasm|dynamism|strength|power"
    r"|intensity)"
)
_HEIGHT = rf"(low|lower|high|higher|elevated|raised|{_NORMAL})"
# What may stand between a tone and its height.
_LINK = (
    r"( (is|was|are|were|remains?|remained|stays?|stayed|at|in|an?|the|consistently|neither|too))"
)
_WORDS = {
    # A tone may be kind or calm: it names the pitch only where a degree stands near it.
    "pitch": r"pitch|\bdeep|shrill|treble|\bbass\b|low voice|high voice"
    rf"|\b{_HEIGHT}[- ]((?!energy)\w+ )?((?!energy)\w+ and )?(tone|tune|register|key|range|note)\b"
    rf"|\b(tone|tune)s?{_LINK}{{0,4}} {_HEIGHT}\b(?! (speed|pace|rate|tempo|energy|volume))",
    "pace": r"slow|fast|quick|rapid|speed|\bpace|tempo|\brate\b|brisk|hurr|leisure|deliberate|swift"
    r"|gradual|measured|rhythm|unhurried|lazily|gentle pace",
    "energy": r"energ|volume|loud|quiet|soft|power|vitality|enthusias|vigor|lively|liveliness|hush"
    r"|whisper|subdued|muted|murmur|dynamic|strength|intens",
}
# Value -> what says it plainly, whatever else is said.
_SAYS = {
    "pitch": {
        "low": rf"\b(low|lower|lowered|deep|deeper)[- ]{_TONE}\b|\b(deep|bass|baritone)\b"
        r"|\bpitch (is|was) (low|deep)",
        "normal": rf"\b{_NORMAL}[- ]{_TONE}\b"
        rf"|\b{_TONE} (is|was|are|were|remains|stays) {_NORMAL}\b",
        "high": rf"\b(high|higher|elevated|raised)[- ]{_TONE}\b|\b(shrill|treble)\b"
        r"|\bpitch (is |was )?high|\bpitched high",
    },
    "pace": {
        "slow": r"\b(slow\w*|leisurely|unhurried\w*|lazily|languid\w*|sluggish\w*)\b",
        "normal": rf"\b{_NORMAL}[- ](speaking |talking )?(paced?|speed|rate|tempo|rhythm)\b",
        "fast": r"\b(fast\w*|quick\w*|rapid\w*|swift\w*|brisk\w*|hurried\w*|hastily|lightning)\b",
    },
    "energy": {
        "low": rf"\b(low|lower|little|minimal|subdued|diminished|reduced|weak)[- ]{_POWER}\b"
        r"|\b(quiet\w*|soft\w*|whisper\w*|hushed|murmur\w*|muted)\b",
        "normal": rf"\b{_NORMAL}[- ]{_POWER}\b",
        "high": rf"\b(high|great|abundant|strong|intense|boundless|immense|vibrant)[- ]{_POWER}\b"
        r"|\b(loud(ly|er)?|booming|energetic\w*)\b",
    },
}
_AGES = {
    "child": r"\b(kids?|child|children|toddler|little (boy|girl))\b",
    "young": r"\bteenager|\byoung\b|\byouthful\b|\b(his|her) (teens|twenties)\b",
    "middle-aged": r"thirties|forties|fifties|middle[- ]age",
    "elderly": r"sixties|seventies|eighties|elderly"
    r"|(?<!year )(?<!years )(?<!-)\bold\b(?! fashioned|-)",
}
_EMOTIONS = {
    "neutral": re.compile(r"\bneutral|\bexpressionless|\bemotionless"),
    "calm": re.compile(r"\bcalm|\bserene|\bpeaceful"),
    "happy": re.compile(r"\bhapp[yi]|\bjoy|\bcheer|\bdelight|\bsmil|\blaugh|\bgrin|\bbeaming"),
    "sad": re.compile(r"\bsad|\bsorrow|\bunhapp[yi]|\bmelanchol"),
    "angry": re.compile(r"\bang(er|ry|rily)\b|\bfurious|\benrage"),
    "fearful": re.compile(r"\bfear|\bafraid|\bscared|\bfrighten|\bterrif"),
    "disgusted": re.compile(r"\bdisgust|\brevolted"),
    "surprised": re.compile(r"\bsurpris|\bastonish|\bamaze|\bshocked"),
}
_CLAUSE = re.compile(r"[.,;:!?]")
# Where one of these stands, a plain word may mean its opposite.
_DENIAL = re.compile(
    r"\b(neither|nor|not|no|never|hardly|less|cannot|without|lack\w*|yet|but|despite|hint|touch"
    r"|dash)\b|n['’]t"
)
# Words that only give the degree of an attribute, an age, or no more than that someone is there.
_DEGREES = (
    r"\b(low|lower|high|higher|normal(ly)?|regular(ly)?|standard|average|moderate(ly)?|medium"
    r"|typical(ly)?|usual(ly)?|ordinary|customary|common|natural(ly)?|elevated|middle|steady|great"
    r"|small|large|levels?|person|people|speaker|child|kid|schoolchild|adult|someone|individuals?"
    r"|character|old|young|elderly|aged?|mature|teenager|little|(twen|thir|for|fif|six|seven"
    r"|eigh)ties)\b"
)
_FUNCTION = re.compile(
    r"\b(an?|the|and|or|but|nor|with|at|of|in|on|to|as|by|for|from|is|are|was|were|be|been|has"
    r"|have|had|do|does|can|may|should|would|will|his|hers?|him|s?he|its?|this|that|these|their"
    r"|they|whom?|i|me|us|you|we|my|our|s|t)\b"
)
_TONES = r"\btones?\b|\btune|sound"  # of any kind
_ATTRIBUTE = re.compile("|".join([_FEMALE, _MALE, _DEGREES, _TONES, *_WORDS.values()]))
_WORD = re.compile(r"[^\W_]+")


def content_words(text: str) -> frozenset[str]:
    """Return the words of a sentence that carry meaning: all but articles, pronouns and the like.

    Example:
        >>> sorted(content_words("He speaks with a low pitch."))
        ['low', 'pitch', 'speaks']
    """
    return frozenset(w for w in _WORD.findall(text.lower()) if not _FUNCTION.fullmatch(w))


def frame(text: str) -> str:
    """Return the wording of a sentence: its content words without those that name an attribute.

    Example:
        >>> frame("Ask a man to speak slowly."), frame("Ask a woman to speak fast.")
        ('ask speak', 'ask speak')
    """
    return " ".join(sorted(w for w in content_words(text) if not _ATTRIBUTE.search(w)))


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


def age_named(text: str) -> str | None:
    """Return the age group that the words name, or None when there is none or several.

    Whoever is a young child is a child.

    Example:
        >>> age_named("A young woman in old-fashioned clothes"), age_named("He is 30 years old")
        ('young', None)
    """
    found = [value for value, words in _AGES.items() if re.search(words, text.lower())]
    return found[0] if found and (len(found) == 1 or found[0] == "child") else None


def emotion_named(text: str) -> str | None:
    """Return the emotion that the words name, or None when there is none or several.

    Example:
        >>> emotion_named("No beard, and a broad smile."), emotion_named("Sad first, then happy.")
        ('happy', None)
    """
    clauses = [part for part in _CLAUSE.split(text.lower()) if not _DENIAL.search(part)]
    # No pattern reaches over two words, so none is found across the borders.
    plain = "\n".join(clauses)
    found = [value for value, words in _EMOTIONS.items() if words.search(plain)]
    return found[0] if len(found) == 1 else None


def describe_face(text: str) -> dict[str, str]:
    """Return gender, age group and emotion as a sentence about a face names them."""
    found = {
        "gender": gender_named(text),
        "age": age_named(text),
        "emotion": emotion_named(text),
    }
    return {name: value for name, value in found.items() if value}


def named(text: str, labels: Mapping[str, str | None]) -> dict[str, str]:
    """Keep the labels that the text puts into words.

    Args:
        text: The caption.
        labels: Attribute -> value as the corpus gives them for the recording.

    Returns:
        The attributes that the caption names, but for those of which it plainly says something
        else. Gender comes from the words alone. Emotion is kept unless it is neutral, which
        captions do not mention.

    Example:
        >>> named("He speaks rapidly in a calm tone.", {"pace": "normal", "pitch": "normal"})
        {'gender': 'male'}
    """
    lowered = text.lower()
    found = {"gender": gender_named(text)} | {
        name: labels.get(name) if _stands(lowered, name, labels.get(name)) else None
        for name in _WORDS
    }
    emotion = labels.get("emotion")
    found["emotion"] = None if emotion == "neutral" and "neutral" not in lowered else emotion
    return {name: value for name, value in found.items() if value}


def _stands(text: str, name: str, label: str | None) -> bool:
    """Whether words say a label plainly, or at least name its attribute and say nothing else."""
    plainly = said(text, name)
    return plainly == label if plainly else re.search(_WORDS[name], text) is not None


def said(text: str, name: str) -> str | None:
    """Return the value of pitch, pace or energy that words say plainly; None where none does.

    Example:
        >>> said("with a high-pitched voice", "pitch"), said("neither fast nor slow", "pace")
        ('high', None)
    """
    lowered = text.lower()
    if _DENIAL.search(lowered):
        return None
    found = [value for value, words in _SAYS[name].items() if re.search(words, lowered)]
    return found[0] if len(found) == 1 else None
