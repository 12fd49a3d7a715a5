"""LibriTTS-P as published: sentences for every clip, impressions of every speaker.

The clips are LibriTTS-R's (arXiv 2406.07969, repository line/LibriTTS-P).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mmtts.data.corpora.libritts_p import LICENSE, NAME, read_cells
from mmtts.data.corpora.public.tables import stream_csv
from mmtts.data.corpora.records import Caption, StylePrompt, gender_of, require
from mmtts.data.corpora.wording import gender_named
from mmtts.data.qualities import WORDS, hear_qualities

__all__ = ["LICENSE", "NAME", "clip_of", "read_captions"]

PER_CLIP = 2  # sentences of its cell that a clip gets; the cells have 25 each
IMPRESSIONS = 6  # words of a listener that a clip gets, who chose up to thirty
COLUMNS = {
    "clip": ("item_name",),
    "speaker": ("spk_id",),
    "gender": ("gender",),
    "pitch": ("pitch",),
    "pace": ("speaking_speed",),
    "energy": ("energy",),
    "cell": ("style_prompt_key",),
    "invalid": ("invalid",),
}
LEVELS = {"low": "low", "normal": "normal", "high": "high"}
PACES = {"slow": "slow", "normal": "normal", "fast": "fast"}
_LISTENERS = ("df1_en.csv", "df2_en.csv", "df3_en.csv")
_CLIP = re.compile(r"\d+_\d+_\d{6}_\d{6}")
Listeners = list[set[str]]


def clip_of(name: str, libritts: str = "libritts_r") -> str:
    """Return the id of the clip with LibriTTS's name `name`; "" where it is no such name.

    Args:
        name: `item_name`.
        libritts: Which release of LibriTTS is prepared; the names of its clips are the same.

    Example:
        >>> clip_of("1034_121119_000001_000001")
        'libritts_r-1034_121119_000001_000001'
    """
    return f"{libritts}-{name}" if _CLIP.fullmatch(name) else ""


def read_captions(root: Path, libritts: str = "libritts_r") -> Iterator[Caption]:
    """Yield captions of every clip: sentences of its cell, and some impressions of a listener.

    They are drawn by the clip's name, so they are the same in every run. Left out are speakers that
    the authors exclude because a name stands for two people, and clips marked invalid.

    Args:
        root: The repository, or its folder `data`.
        libritts: See `clip_of`.

    Raises:
        InputError: The table of clips or that of the sentences is missing.
    """
    folder = root / "data" if (root / "data").is_dir() else require(root, NAME)
    table = require(folder / "metadata_w_style_prompt_tags_v230922.csv", NAME)
    cells, voices = read_cells(folder), read_impressions(folder)
    excluded = _read_names(folder / "excluded_spk_list.txt")
    vocabulary = {word for heard in voices.values() for words in heard for word in words}
    for row in stream_csv(table, NAME, COLUMNS, needed=("clip", "cell")):
        speaker = row["speaker"] or row["clip"].partition("_")[0]
        if row["invalid"] in ("1", "1.0", "True") or speaker in excluded:
            continue
        labels = {
            "gender": gender_of(row["gender"]),
            "pitch": LEVELS.get(row["pitch"]),
            "pace": PACES.get(row["pace"]),
            "energy": LEVELS.get(row["energy"]),
        }
        known = {name: value for name, value in labels.items() if value}
        heard = voices.get(speaker, [])
        qualities = hear_qualities(heard, vocabulary)
        for prompt in _draw(row["clip"], cells.get(row["cell"], []), heard):
            yield Caption(
                NAME,
                prompt.text,
                clip_of(row["clip"], libritts),
                prompt.attributes,
                prompt.qualities,
                known,
                qualities,
            )


def read_impressions(folder: Path) -> dict[str, Listeners]:
    """Read `df1_en.csv` to `df3_en.csv`, one speaker a line: `7335|feminine,slightly young,...`.

    Returns:
        Speaker -> the words of each listener without their degrees, "slightly" and "very"; fewer
        listeners where a table is missing.
    """
    voices: dict[str, Listeners] = {}
    for path in (folder / name for name in _LISTENERS):
        if not path.exists():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            speaker, _, cell = line.partition("|")
            words = {word.strip().lower() for word in cell.split(",")} - {""}
            if words:
                plain = {word.removeprefix("slightly ").removeprefix("very ") for word in words}
                voices.setdefault(speaker.strip(), []).append(plain)
    return voices


def _draw(clip: str, cell: Sequence[StylePrompt], heard: Listeners) -> list[StylePrompt]:
    """Return sentences of the clip's cell, and what one listener said of its speaker."""
    seed = _hash(clip)
    step = seed % len(cell) if cell else 0
    chosen = [cell[(step + k) % len(cell)] for k in range(min(PER_CLIP, len(cell)))]
    if heard:
        words = heard[seed // 97 % len(heard)]
        chosen.append(_describe(sorted(words, key=lambda word: _hash(clip + word))[:IMPRESSIONS]))
    return chosen


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def _describe(words: Sequence[str]) -> StylePrompt:
    """Return words of a listener as a caption that names what they say."""
    text = ", ".join(words)
    text = text[:1].upper() + text[1:]
    gender = gender_named(text)
    qualities = {name: True for name, of in WORDS.items() if not set(words).isdisjoint(of)}
    return StylePrompt(NAME, text, {"gender": gender} if gender else {}, qualities=qualities)


def _read_names(path: Path) -> set[str]:
    return set(path.read_text(encoding="utf-8").split()) if path.exists() else set()
