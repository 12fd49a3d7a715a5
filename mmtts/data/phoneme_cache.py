"""Phoneme cache: every text of a corpus is phonemized once and kept beside the cuts."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.storage.atomic import atomic_write
from mmtts.text.normalization import VERSION
from mmtts.text.phonemes import SYMBOLS, encode

_SAVE_EVERY = 1000
_log = logging.getLogger(__name__)


def load_phonemes(texts: Iterable[str], path: Path) -> dict[str, np.ndarray | None]:
    """Phonemize texts, reading known ones from a file and adding new ones to it.

    Args:
        texts: English texts; repetitions cost nothing.
        path: JSON file, made when missing; one that was written for other symbols, or that is
            broken, is replaced.

    Returns:
        text -> uint8 (N,) indices of ``SYMBOLS``; ``None`` for a text that cannot be spoken.
    """
    known = _read(path)
    keys = {
        text: hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20] for text in texts
    }
    missing = [text for text, key in keys.items() if key not in known]
    if missing:
        _phonemize(missing, keys, known, path)
    return {
        text: None if known[key] is None else np.array(known[key], np.uint8)
        for text, key in keys.items()
    }


def _phonemize(
    texts: list[str], keys: dict[str, str], known: dict[str, list[int] | None], path: Path
) -> None:
    """Phonemize the texts into ``known``; an interrupted run keeps what it has."""
    from tqdm import tqdm

    for done, text in enumerate(tqdm(texts, desc="phonemes", leave=False, mininterval=1), start=1):
        try:
            known[keys[text]] = encode(text)
        except InputError:
            known[keys[text]] = None
        if done % _SAVE_EVERY == 0 or done == len(texts):
            _write(path, known)


def _fingerprint() -> str:
    """Change when the symbols, the normalization or the phonemizer do."""
    content = "\n".join((*SYMBOLS, str(VERSION), version("num2words"), version("gruut")))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def _read(path: Path) -> dict[str, list[int] | None]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content["texts"]) if content["fingerprint"] == _fingerprint() else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _write(path: Path, known: dict[str, list[int] | None]) -> None:
    try:
        with atomic_write(path) as temporary:
            content = {"fingerprint": _fingerprint(), "texts": known}
            temporary.write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        _log.warning("Phonemes are not kept for the next run, %s: %s", path, error)
