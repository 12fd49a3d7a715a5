"""Phoneme cache: every text of a corpus is phonemized once and kept beside the cuts."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.storage.atomic import atomic_write
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.phonemes import encode

_SAVE_EVERY = 1000
_log = logging.getLogger(__name__)


def phonemes_path(folder: Path, front_end: FrontEnd = ENGLISH) -> Path:
    """Say where a prepared folder keeps its phonemes; every front end has a file of its own."""
    kind = "" if front_end == ENGLISH else f"-{'-'.join(front_end.config.values())}"
    return folder / "speech" / f"phonemes{kind}.json"


def load_phonemes(
    texts: Iterable[str], path: Path, front_end: FrontEnd = ENGLISH
) -> dict[str, np.ndarray | None]:
    """Phonemize texts, reading known ones from a file and adding new ones to it.

    Args:
        texts: Repetitions cost nothing.
        path: JSON file, made when missing; one that was written for another front end, or that is
            broken, is replaced.
        front_end: Of the language of the texts.

    Returns:
        text -> uint8 (N,) indices of the front end's symbols; ``None`` for a text that cannot be
        spoken.
    """
    known = _read(path, front_end)
    keys = {
        text: hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20] for text in texts
    }
    missing = [text for text, key in keys.items() if key not in known]
    if missing:
        _phonemize(missing, keys, known, path, front_end)
    return {
        text: None if known[key] is None else np.array(known[key], np.uint8)
        for text, key in keys.items()
    }


def _phonemize(
    texts: list[str],
    keys: dict[str, str],
    known: dict[str, list[int] | None],
    path: Path,
    front_end: FrontEnd,
) -> None:
    """Phonemize the texts into ``known``; an interrupted run keeps what it has."""
    from tqdm import tqdm

    for done, text in enumerate(tqdm(texts, desc="phonemes", leave=False, mininterval=1), start=1):
        try:
            known[keys[text]] = encode(text, front_end)
        except InputError:
            known[keys[text]] = None
        if done % _SAVE_EVERY == 0 or done == len(texts):
            _write(path, known, front_end)


@cache
def fingerprint(front_end: FrontEnd) -> str:
    """Name what read the texts; it changes when symbols, normalization or phonemizer do."""
    content = "\n".join((*front_end.symbols, *front_end.versions))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _read(path: Path, front_end: FrontEnd) -> dict[str, list[int] | None]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        is_ours = content["fingerprint"] == fingerprint(front_end)
        return dict(content["texts"]) if is_ours else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, known: dict[str, list[int] | None], front_end: FrontEnd) -> None:
    try:
        with atomic_write(path) as temporary:
            content = {"fingerprint": fingerprint(front_end), "texts": known}
            temporary.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        _log.warning("Phonemes are not kept for the next run, %s: %s", path, error)
