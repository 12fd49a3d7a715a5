"""Our own prompts (public domain): who speaks, and how, put together from short phrases.

They name attributes that the caption corpora never do, such as age, and serve recipes that use no
foreign prompts at all. Every sentence comes with exactly the attributes that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from mmtts.data.corpora.records import StylePrompt

NAME = "templates"
Phrase = tuple[str, Mapping[str, str]]

# (gender, age) -> who; None = not named.
PEOPLE: dict[tuple[str | None, str | None], tuple[str, ...]] = {
    ("female", None): ("a woman", "a lady", "a female speaker"),
    ("male", None): ("a man", "a gentleman", "a male speaker"),
    (None, "child"): ("a child", "a small child", "a schoolchild"),
    ("female", "child"): ("a little girl", "a young girl", "a schoolgirl"),
    ("male", "child"): ("a little boy", "a young boy", "a schoolboy"),
    (None, "young"): ("a young person", "a young adult", "someone in their twenties"),
    ("female", "young"): ("a young woman", "a young lady", "a woman in her twenties"),
    ("male", "young"): ("a young man", "a young gentleman", "a man in his twenties"),
    (None, "middle-aged"): ("a middle-aged person", "someone in their forties"),
    ("female", "middle-aged"): ("a middle-aged woman", "a woman in her forties", "a mature woman"),
    ("male", "middle-aged"): ("a middle-aged man", "a man in his forties", "a mature man"),
    (None, "elderly"): ("an elderly person", "an old person"),
    ("female", "elderly"): ("an elderly woman", "an old lady", "a grandmother"),
    ("male", "elderly"): ("an elderly man", "an old man", "a grandfather"),
}
PITCH = {
    "low": ("in a deep voice", "with a low voice", "at a low pitch"),
    "normal": ("at a normal pitch", "in a voice of medium pitch"),
    "high": ("in a high voice", "with a high-pitched voice", "at a high pitch"),
}
PACE = {
    "slow": ("slowly", "at a slow pace", "taking plenty of time"),
    "normal": ("at a normal pace", "neither fast nor slow"),
    "fast": ("fast", "quickly", "at a rapid pace"),
}
ENERGY = {
    "low": ("softly", "quietly", "with little energy"),
    "normal": ("at a normal volume", "with moderate energy"),
    "high": ("loudly", "with a strong voice", "with a lot of energy"),
}
EMOTION = {
    "neutral": ("in a neutral tone", "without any emotion"),
    "calm": ("calmly", "in a calm tone"),
    "happy": ("happily", "in a cheerful tone", "sounding joyful"),
    "sad": ("sadly", "in a sorrowful tone", "sounding unhappy"),
    "angry": ("angrily", "in a furious tone", "sounding annoyed"),
    "fearful": ("fearfully", "in a frightened tone", "sounding scared"),
    "disgusted": ("with disgust", "sounding disgusted"),
    "surprised": ("with surprise", "sounding astonished"),
}
LOOKS = {
    "neutral": ("with a neutral expression", "with a serious face", "who does not smile"),
    "happy": ("with a happy face", "who is smiling", "with a cheerful expression"),
    "sad": ("with a sad face", "who looks unhappy"),
    "angry": ("with an angry face", "who looks furious"),
    "fearful": ("with a frightened face", "who looks scared"),
    "disgusted": ("with a disgusted face", "who looks repelled"),
    "surprised": ("with a surprised face", "who looks astonished"),
}
VOICE_FRAMES = ("{Who} speaks {how}.", "{Who} talking {how}.", "The voice of {who} speaking {how}.")
VOICE_FRAMES_PLAIN = ("{Who} speaks.", "The voice of {who}.", "This is {who} talking.")
FACE_FRAMES = ("{Who} {look}.", "The face of {who} {look}.", "A portrait of {who} {look}.")
FACE_FRAMES_PLAIN = ("{Who}.", "The face of {who}.", "A portrait of {who}.", "This is {who}.")


def voice_prompts() -> list[StylePrompt]:
    """Return prompts for voices: who alone, with one manner, with pitch, pace and energy."""
    prompts = []
    for count, (who, named) in enumerate(_people()):
        prompts += [_fill(frame, who, "", named) for frame in VOICE_FRAMES_PLAIN]
        for k, (how, manner) in enumerate(_manners()):
            # Every frame with every phrase would be ten times as many and teach nothing more.
            frame = VOICE_FRAMES[(count + k) % len(VOICE_FRAMES)]
            prompts.append(_fill(frame, who, how, {**named, **manner}))
    return prompts


def face_prompts() -> list[StylePrompt]:
    """Return prompts for faces: who alone, and who with an expression."""
    prompts = []
    for who, named in _people():
        prompts += [_fill(frame, who, "", named) for frame in FACE_FRAMES_PLAIN]
        for frame, (emotion, looks) in product(FACE_FRAMES, LOOKS.items()):
            prompts += [_fill(frame, who, look, {**named, "emotion": emotion}) for look in looks]
    return prompts


def _people() -> Iterator[Phrase]:
    for (gender, age), phrases in PEOPLE.items():
        named = {name: v for name, v in (("gender", gender), ("age", age)) if v}
        for phrase in phrases:
            yield phrase, named


def _manners() -> Iterator[Phrase]:
    """Yield every single manner, and every combination of pitch, pace and energy in one wording."""
    tables = {"pitch": PITCH, "pace": PACE, "energy": ENERGY, "emotion": EMOTION}
    for name, table in tables.items():
        for value, phrases in table.items():
            for phrase in phrases:
                yield phrase, {name: value}
    for k, (pitch, pace, energy) in enumerate(product(PITCH, PACE, ENERGY)):
        words = [PACE[pace], ENERGY[energy], PITCH[pitch]]
        slow, loud, high = (phrases[k % len(phrases)] for phrases in words)
        yield f"{slow}, {loud} and {high}", {"pitch": pitch, "pace": pace, "energy": energy}


def _fill(frame: str, who: str, how: str, named: Mapping[str, str]) -> StylePrompt:
    text = frame.format(who=who, Who=who[0].upper() + who[1:], how=how, look=how)
    return StylePrompt(NAME, text, dict(named))
