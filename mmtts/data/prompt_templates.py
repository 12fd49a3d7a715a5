"""Our own prompts (public domain): who speaks, and how, put together from short phrases.

They name attributes that the caption corpora never do, such as age, and serve recipes that use no
foreign prompts at all. Every sentence comes with exactly the attributes that it names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
# The wordings of each family: without a manner or look, and with one.
VOICE_FRAMES = (
    ("{Who} speaks.", "{Who} speaks {how}."),
    ("This is {who} talking.", "{Who} talking {how}."),
    ("The voice of {who}.", "The voice of {who} speaking {how}."),
    ("Speech of {who}.", "Speech of {who}, spoken {how}."),
    ("Read this aloud like {who}.", "Read this aloud like {who} would, {how}."),
    ("I would love to hear {who}.", "I would love to hear {who} say this {how}."),
)
FACE_FRAMES = (
    ("{Who}.", "{Who} {how}."),
    ("The face of {who}.", "The face of {who} {how}."),
    ("A portrait of {who}.", "A portrait of {who} {how}."),
    ("A picture that shows {who}.", "A picture that shows {who} {how}."),
    ("Here you can see {who}.", "Here you can see {who} {how}."),
    ("Whoever took this photograph met {who}.", "Whoever took this photograph met {who} {how}."),
)


def voice_prompts() -> list[StylePrompt]:
    """Return prompts for voices: who alone, with one manner, with pitch, pace and energy."""
    return _put_together(VOICE_FRAMES, list(_manners()))


def face_prompts() -> list[StylePrompt]:
    """Return prompts for faces: who alone, and who with an expression."""
    looks = [(look, {"emotion": name}) for name, phrases in LOOKS.items() for look in phrases]
    return _put_together(FACE_FRAMES, looks)


def _put_together(
    frames: Sequence[tuple[str, str]], phrases: Sequence[Phrase]
) -> list[StylePrompt]:
    """Put people and phrases into frames; the frame is the family."""
    prompts = []
    for count, (who, named) in enumerate(_people()):
        prompts += [_fill(plain, plain, who, "", named) for plain, _ in frames]
        for k, (how, manner) in enumerate(phrases):
            # Every frame with every phrase would be six times as many and teach nothing more.
            plain, frame = frames[(count + k) % len(frames)]
            prompts.append(_fill(frame, plain, who, how, {**named, **manner}))
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


def _fill(frame: str, family: str, who: str, how: str, named: Mapping[str, str]) -> StylePrompt:
    text = frame.format(who=who, Who=who[0].upper() + who[1:], how=how)
    return StylePrompt(NAME, text, dict(named), family)
