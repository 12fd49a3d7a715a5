"""EARS: anechoic, expressive speech (github.com/facebookresearch/ears_dataset, arXiv 2406.06185).

100 h, 107 speakers, 48 kHz.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.data.attributes import age_group
from mmtts.data.corpora.records import Clip, License, gender_of, require

NAME = "ears"
LICENSE = License(
    "CC BY-NC 4.0: research only", False, "https://github.com/facebookresearch/ears_dataset"
)
# What the names of files begin with; the others are interjections, coughs, melodies and the like.
KINDS = ("emo", "freeform", "rainbow", "sentences")
# The other emotions of the corpus, such as pride and relief, have no value among ours.
EMOTIONS = {
    "neutral": "neutral",
    "serenity": "calm",
    "amusement": "happy",
    "extasy": "happy",  # spelled as in the names of the files
    "sadness": "sad",
    "anger": "angry",
    "fear": "fearful",
    "disgust": "disgusted",
    "amazement": "surprised",
}


def read_clips(root: Path) -> list[Clip]:
    """Read `p001/*.wav` and so on, `transcripts.json` and `speaker_statistics.json`.

    Free speech has no transcript, and lasts minutes. Lhotse's recipe for it finds none of the
    transcripts and stops at a speaker who is not in the table.

    Raises:
        InputError: When one of the tables is missing or damaged, or there is no speaker's folder.
    """
    texts = _read_json(root / "transcripts.json")
    people = _read_json(root / "speaker_statistics.json")
    clips = []
    for path in sorted(root.glob("p[0-9][0-9][0-9]/*.wav")):
        speaker, name = path.parent.name, path.stem
        kind, _, rest = name.partition("_")
        if kind not in KINDS:
            continue
        person = people.get(speaker, {})
        clips.append(
            Clip(
                corpus=NAME,
                id=f"{speaker}_{name}",
                path=path,
                speaker=f"{NAME}-{speaker}",
                text=texts.get(name, ""),
                gender=gender_of(person.get("gender", "")),
                age=middle_age(person.get("age", "")),
                emotion=EMOTIONS.get(rest.partition("_")[0]) if kind == "emo" else None,
                accent=_accent(person.get("native language", "")),
            )
        )
    if not clips:
        raise InputError(f"{NAME}: {root} has no p001/*.wav and so on; unpack a speaker there.")
    return clips


def middle_age(years: str) -> int | None:
    """Return the middle of "36-45", or None where the range is of two age groups, or none at all.

    Example:
        >>> middle_age("36-45"), middle_age("26-35"), middle_age("prefer not to answer")
        (40, None, None)
    """
    ends = years.split("-")
    if len(ends) != 2 or not all(end.strip().isdigit() for end in ends):
        return None
    first, last = (int(end) for end in ends)
    return (first + last) // 2 if age_group(first) == age_group(last) else None


def _accent(language: str) -> str:
    if "english" in language:
        return "native"
    return "" if language in ("", "prefer not to answer") else "learner"


def _read_json(path: Path) -> dict[str, Any]:
    require(path, NAME)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{NAME}: {path} is not JSON ({error!s:.80}); fetch it again.") from error
    if not isinstance(found, dict):
        raise InputError(f"{NAME}: {path} is not a table by name; fetch it again.")
    return found
