"""VccmDataset captions of ControlSpeech: free-form style sentences (arXiv 2406.01205)."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from mmtts.data.corpora.records import License, StylePrompt, read_table, require
from mmtts.data.corpora.wording import frame, named

NAME = "vccm"
# ControlSpeech's captions in styles of wording that its training set has not: kept for test.
UNSEEN = "vccm_new_styles"
_UNSEEN_TABLE = "new_undomain_style"
LICENSE = License(
    "none stated: research only", False, "https://github.com/jishengpeng/ControlSpeech"
)
PACES = {"low": "slow", "normal": "normal", "high": "fast"}
EMOTIONS = {
    "angry": "angry",
    "sad": "sad",
    "disgusted": "disgusted",
    "happy": "happy",
    "surprised": "surprised",
    "fear": "fearful",
    "neutral": "neutral",
}
# A caption that voices contempt has no value among the emotions; it must not count as unspecific.
_LEFT_OUT = {"contempt"}


def read_prompts(folder: Path) -> list[StylePrompt]:
    """Read every `controlspeech_test*.csv` (dur, pitch, energy, emotion, style_prompt, ...).

    Raises:
        InputError: When there is none.
    """
    prompts: dict[str, StylePrompt] = {}
    emotions: dict[str, set[str | None]] = defaultdict(set)
    tables = sorted(require(folder, NAME).glob("controlspeech_test*.csv"))
    for path in tables or [require(folder / "controlspeech_test.csv", NAME)]:
        unseen = _UNSEEN_TABLE in path.name
        columns = ("dur", "pitch", "energy", "emotion", "style_prompt")
        for row in read_table(path, NAME, columns):
            text = _repair(row["style_prompt"])
            if not text:
                continue
            emotions[text].add(EMOTIONS.get(row["emotion"]))
            if row["emotion"] in _LEFT_OUT:
                continue
            labels = {
                "pitch": row["pitch"],
                "pace": PACES.get(row["dur"]),
                "energy": row["energy"],
                "emotion": EMOTIONS.get(row["emotion"]),
            }
            attributes = named(text, labels)
            if attributes:
                source = UNSEEN if unseen else NAME
                prompt = StylePrompt(source, text, attributes, frame(text), test_only=unseen)
                prompts.setdefault(text, prompt)
    agreed = (_agreed(prompt, emotions[prompt.text]) for prompt in prompts.values())
    return [prompt for prompt in agreed if prompt.attributes]


def _agreed(prompt: StylePrompt, emotions: set[str | None]) -> StylePrompt:
    """Take the emotion off a caption that stands beside recordings in several."""
    if len(emotions) == 1:
        return prompt
    kept = {name: value for name, value in prompt.attributes.items() if name != "emotion"}
    return replace(prompt, attributes=kept)


def _repair(caption: str) -> str:
    """Undo the missing article where the corpus replaced pronouns by the word "speaker"."""
    text = " ".join(caption.replace("speaker's", "the speaker's").split())
    text = text.replace("the the ", "the ").replace("The the ", "The ")
    return text[:1].upper() + text[1:]
