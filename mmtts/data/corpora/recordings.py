"""One's own recordings: a folder of sound files, their texts in a table or beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmtts import InputError
from mmtts.data.corpora.records import Clip

TABLE = "metadata.csv"
# The last four cannot be decoded; they are read so that nobody misses them in silence.
SOUNDS = (
    ".wav",
    ".flac",
    ".ogg",
    ".opus",
    ".mp3",
    ".aiff",
    ".aif",
    ".m4a",
    ".aac",
    ".wma",
    ".webm",
)


def read_clips(
    folder: Path,
    corpus: str,
    speaker: str | None = None,
    gender: str | None = None,
    accent: str = "",
) -> tuple[list[Clip], dict[str, str]]:
    """Read every sound file below a folder.

    The text of a file is that of `metadata.csv` (id|text or id|text|normalized text, as LJSpeech
    has it, the files anywhere below its folder), else that of the `.txt` file beside it, else none.

    Args:
        folder: Where the recordings are.
        corpus: Name to give to them.
        speaker: Who speaks; None where every folder in `folder` holds those of one speaker.
        gender: "female", "male" or None.
        accent: See `Clip`.

    Returns:
        The clips, and name -> reason for what is no clip.

    Raises:
        InputError: The folder is missing or holds no sound file, or a table cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name the one that holds the recordings")
    paths = sorted(path for path in folder.rglob("*") if _is_sound(path.relative_to(folder)))
    if not paths:
        raise InputError(f"{folder} holds no sound file ({', '.join(SOUNDS[:6])})")
    tables = {path.parent: read_texts(path) for path in sorted(folder.rglob(TABLE))}
    clips: dict[str, Clip] = {}
    skipped: dict[str, str] = {}
    for path in paths:
        inside = path.relative_to(folder)
        name = _safe(str(inside.with_suffix("")))
        who = speaker or (_safe(inside.parts[0]) if len(inside.parts) > 1 else "")
        text, fault = _text(path, tables)
        if not who:
            fault = "is in no speaker's folder"
        elif name in clips:
            fault = f"has the name of {clips[name].path.relative_to(folder)}"
        if fault:
            skipped[str(inside)] = fault
        else:
            clips[name] = Clip(corpus, name, path, f"{corpus}-{who}", text, gender, accent=accent)
    return list(clips.values()), skipped | _without_sound(folder, tables, paths)


def read_texts(path: Path) -> dict[str, str]:
    """Read LJSpeech's table: name of the file without its ending -> text, the normalized one last.

    Raises:
        InputError: It is not UTF-8, or a line has no bar.
    """
    texts = {}
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text: {error!s:.80}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, bar, rest = line.partition("|")
        if not bar:
            raise InputError(f"{path}, line {number}: lines look like name|text, not {line!r:.60}")
        name = Path(name.strip()).name
        stem = Path(name).stem if Path(name).suffix.lower() in SOUNDS else name
        texts[stem] = rest.rpartition("|")[2].strip() or rest.partition("|")[0].strip()
    return texts


def _without_sound(
    folder: Path, tables: Mapping[Path, Mapping[str, str]], paths: Sequence[Path]
) -> dict[str, str]:
    """What a table names and nobody recorded."""
    recorded = {(_table_of(path, tables), path.stem) for path in paths}
    return {
        f"{(place / TABLE).relative_to(folder)}: {stem}": "has no sound file"
        for place, texts in tables.items()
        for stem in texts
        if (place, stem) not in recorded
    }


def _table_of(path: Path, tables: Mapping[Path, Mapping[str, str]]) -> Path | None:
    """The folder of the nearest table above a file."""
    return next((parent for parent in path.parents if parent in tables), None)


def _text(path: Path, tables: Mapping[Path, Mapping[str, str]]) -> tuple[str, str]:
    """The text of a file, and what is wrong with it; "" for none."""
    place = _table_of(path, tables)
    if place is not None and path.stem in tables[place]:
        return tables[place][path.stem], ""
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return "", ""
    try:
        return " ".join(beside.read_text(encoding="utf-8-sig").split()), ""
    except (OSError, UnicodeDecodeError):
        return "", f"has a text that is not UTF-8: {beside.name}"


def _is_sound(inside: Path) -> bool:
    hidden = any(part.startswith(".") for part in inside.parts)
    return inside.suffix.lower() in SOUNDS and not hidden


def _safe(name: str) -> str:
    """A name that can be one of a file."""
    return re.sub(r"[^\w-]+", "_", name)
