"""ParaSpeechCaps: captions of VoxCeleb, EARS, Expresso and Emilia by rich tags (arXiv 2503.04713).

As published on the Hugging Face hub, `data/{train_base,train_scaled,dev,holdout}-*.parquet`, or as
files of one JSON object a line. Its authors' repository describes the columns, and has what every
listener said in `pscbase_name_to_intrinsictags.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from mmtts import InputError
from mmtts.data.corpora.public.tables import (
    find_tables,
    stream_json_lines,
    stream_parquet,
    texts_of,
)
from mmtts.data.corpora.records import Caption, License, gender_of, require
from mmtts.data.corpora.wording import emotion_named, named
from mmtts.data.qualities import WORDS, hear_tags, name_qualities

NAME = "paraspeechcaps"
LICENSE = License(
    "CC BY-NC-SA 4.0: research only",
    False,
    "https://huggingface.co/datasets/ajd12342/paraspeechcaps",
)
PARTS = ("train_base", "train_scaled", "dev", "holdout")
LISTENERS = "pscbase_name_to_intrinsictags.json"
COLUMNS = {
    "source": ("source",),
    "path": ("relative_audio_path", "audio_path"),
    "texts": ("text_description", "text_descriptions", "caption"),
    "intrinsic": ("intrinsic_tags",),
    "situational": ("situational_tags",),
    "name": ("name",),
    "gender": ("gender",),
    "pitch": ("pitch",),
    "pace": ("speaking_rate",),
}
PITCHES = {"low-pitched": "low", "medium-pitched": "normal", "high-pitched": "high"}
PACES = {"slow speed": "slow", "measured speed": "normal", "fast speed": "fast"}
# Tags of how something was said -> the value they are; those without a counterpart are unknown.
EMOTIONS = {
    "angry": "angry",
    "calm": "calm",
    "disgusted": "disgusted",
    "happy": "happy",
    "sad": "sad",
    "saddened": "sad",
    "scared": "fearful",
}
ENERGIES = {"loud": "high", "whispered": "low"}
_QUALITY = {word: name for name, words in WORDS.items() for word in words}
_SAFE = re.compile(r"[\w.-]+")


def clip_of(source: str, path: str) -> str:
    """Return the id of the clip that a row is about; "" where it means none that is known.

    Args:
        source: Column `source`: voxceleb, ears, expresso or emilia.
        path: Column `relative_audio_path`, in the folder of that corpus.

    Example:
        >>> clip_of("voxceleb", "voxceleb2/dev/aac/id00012/21Uxsk56VDQ/00001_voicefixer.wav")
        'voxceleb2-id00012_21Uxsk56VDQ_00001'
        >>> clip_of("ears", "p001/emo_anger_freeform.wav")
        'ears-p001_emo_anger_freeform'
    """
    *folders, name = PurePosixPath(path).parts or ("",)
    if ".." in (*folders, name):
        return ""
    clip = PurePosixPath(name).stem
    match source.strip().lower(), folders:
        case "voxceleb", ["voxceleb1" | "voxceleb2" as corpus, *_, speaker, video]:
            found = f"{corpus}-{speaker}_{video}_{clip.removesuffix('_voicefixer')}"
        case "ears", [*_, speaker]:
            found = f"ears-{speaker}_{clip}"
        case "expresso" | "emilia" as corpus, _:
            found = f"{corpus}-{clip}"
        case _:
            return ""
    return found if clip and _SAFE.fullmatch(found) else ""


def read_captions(root: Path, parts: Sequence[str] = PARTS) -> Iterator[Caption]:
    """Yield every description of every clip.

    Of a voice's qualities those are known that the row's tags name (two listeners, or a network),
    and where what all listeners said lies in `root` or `data`, those that none of them named are
    known to be absent.

    Args:
        root: Where the data set was downloaded to.
        parts: Which of its files are read: their names begin so. `train_scaled` was tagged by
            networks, the others by listeners.

    Raises:
        InputError: The folder, its tables or a needed column of one is missing.
    """
    tables = find_tables([require(root, NAME) / "data", root], [".parquet", ".jsonl"], NAME)
    chosen = [path for path in tables if path.name.startswith(tuple(parts))]
    if not chosen:
        raise InputError(f"{NAME}: {tables[0].parent} has no file of {', '.join(parts)}.")
    voices = _read_listeners(root)
    for path in chosen:
        stream = stream_parquet if path.suffix == ".parquet" else stream_json_lines
        for row in stream(path, NAME, COLUMNS, needed=("source", "path", "texts")):
            yield from _captions(row, voices)


def _read_listeners(root: Path) -> dict[str, dict[str, bool]]:
    """Return what is known of each voice by name; empty where the table is not there."""
    path = next((p for p in (root / LISTENERS, root / "data" / LISTENERS) if p.is_file()), None)
    if path is None:
        return {}
    try:
        tags = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): hear_tags(map(str, of)) for name, of in tags.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{NAME}: cannot read {path}: {error}; get it again.") from error


def _captions(row: Mapping[str, Any], voices: Mapping[str, dict[str, bool]]) -> Iterator[Caption]:
    texts = texts_of(row["texts"]) or [""]
    manner = _tags(row["situational"])
    labels = {
        "gender": gender_of(str(row["gender"] or "")),
        "pitch": PITCHES.get(_plain(row["pitch"])),
        "pace": PACES.get(_plain(row["pace"])),
        "energy": _one_of(manner, ENERGIES),
    }
    emotion = _one_of(manner, EMOTIONS)
    tagged = {_QUALITY[tag]: True for tag in _tags(row["intrinsic"]) if tag in _QUALITY}
    heard = voices.get(str(row["name"]), {}) | tagged
    known = {name: value for name, value in (labels | {"emotion": emotion}).items() if value}
    item = clip_of(str(row["source"] or ""), str(row["path"] or ""))
    for text in texts:
        # One of two descriptions of a clip may pass over its emotion.
        said = {"emotion": emotion} if emotion and emotion_named(text) == emotion else {}
        attributes = named(text, labels) | said
        yield Caption(NAME, text, item, attributes, name_qualities(text, heard), known, heard)


def _plain(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _tags(value: Any) -> list[str]:
    return [tag.lower() for tag in texts_of(value)]


def _one_of(tags: Sequence[str], values: Mapping[str, str]) -> str | None:
    """Return the value that the tags mean, or None when they mean none or several."""
    found = {values[tag] for tag in tags if tag in values}
    return found.pop() if len(found) == 1 else None
