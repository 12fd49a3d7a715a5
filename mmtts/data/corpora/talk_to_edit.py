"""Talk-to-Edit caption templates for faces, of which age and smile are used (arXiv 2109.04425)."""

import json
import re
from itertools import product
from pathlib import Path
from typing import Any

from mmtts.data.corpora.records import License, StylePrompt, require
from mmtts.data.corpora.wording import age_named, frame, gender_named

NAME = "talk_to_edit"
# The captions of single attributes are worded apart from those of whole faces: kept for test.
UNSEEN = "talk_to_edit_single"
LICENSE = License("none stated: research only", False, "https://github.com/yumingj/Talk-to-Edit")
# Degree 1 and 2 of a smile are faint, so they name no emotion.
SMILES = {"0": "neutral", "3": "happy", "4": "happy", "5": "happy"}
# Sentences that a search and replace broke in the published files.
_BROKEN = re.compile(r"This (?:corners|entire forehead)|^<his> has")


def read_prompts(folder: Path) -> list[StylePrompt]:
    """Fill the templates for both genders; hair, beard and glasses say nothing about a voice.

    Raises:
        InputError: When a template file is missing.
    """
    captions = _load(folder / "templates" / "attr_wise_caption_templates.json")
    overall = _load(folder / "templates" / "overall_caption_templates.json")
    words = _load(folder / "templates" / "gender.json")
    found: dict[str, StylePrompt] = {}
    for gender, replacements in words.items():
        starts = [s for degree in overall["start"]["Young"].values() for s in degree]
        smiles = [(s, SMILES.get(d)) for d, texts in _phrases(overall, "Smiling") for s in texts]
        whole = [(f"{start} has {smile}.", e) for start, (smile, e) in product(starts, smiles)]
        single = [
            (text, SMILES.get(degree) if name == "Smiling" else None)
            for name in ("Smiling", "Young")
            for degree, texts in captions[name].items()
            for text in texts
        ]
        for source, sentences in ((NAME, whole), (UNSEEN, single)):
            for template, emotion in sentences:
                for text in () if _BROKEN.search(template) else _fill(template, replacements):
                    attributes = _attributes(text, emotion)
                    if attributes and attributes.get("gender") in (gender, None):
                        test_only = source == UNSEEN
                        prompt = StylePrompt(source, text, attributes, frame(text), test_only)
                        found.setdefault(text, prompt)
    return list(found.values())


def _load(path: Path) -> Any:
    return json.loads(require(path, NAME).read_text(encoding="utf-8"))


def _phrases(overall: dict[str, Any], name: str) -> list[tuple[str, list[str]]]:
    """Return (degree, phrases) of the attribute, wherever the file nests the phrases."""
    for group in overall.values():
        if isinstance(group, dict) and name in group:
            degrees = group[name]
            if all(isinstance(phrase, str) and " " in phrase for phrase in degrees["3"]):
                return list(degrees.items())
    return []


def _fill(template: str, replacements: dict[str, list[str]]) -> list[str]:
    """Return the template with its k-th word of every list, for k = 0, 1, 2."""
    texts = []
    for k in range(3):
        text = template.replace("<He>", "<he>")
        for mark, choices in replacements.items():
            text = text.replace(mark, choices[min(k, len(choices) - 1)])
        text = text.replace("his face", "the face") if "her" in text.lower().split() else text
        texts.append(text[0].upper() + text[1:])
    return texts


def _attributes(text: str, emotion: str | None) -> dict[str, str]:
    found = {"gender": gender_named(text), "age": age_named(text), "emotion": emotion}
    return {name: value for name, value in found.items() if value}
