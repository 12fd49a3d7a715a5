"""Hi-Fi TTS: ten readers of LibriVox in high quality (openslr.org/109, arXiv 2104.01497).

292 h, 10 speakers, 44.1 kHz; 41 GB to download. Readers have LibriVox's numbers, see
`mmtts.data.corpora.public.libritts`.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts import InputError
from mmtts.data.corpora.public.lhotse_clips import read_utterances
from mmtts.data.corpora.records import Clip, License, gender_of, require

if TYPE_CHECKING:
    from mmtts.data.corpora.public.lhotse_clips import Manifests

NAME = "hifi_tts"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/109")

_log = logging.getLogger(__name__)


def read_clips(root: Path, out: Path | None = None) -> list[Clip]:
    """Read `{reader}_manifest_{clean|other}_{split}.json` and the files they name, with Lhotse.

    The text is the one with punctuation and numbers in words. A manifest of a reader who is not
    among the ten is left out and logged.

    Args:
        root: The folder `hi_fi_tts_v0`.
        out: Where Lhotse's manifests are kept, see `read_utterances`.

    Raises:
        InputError: When `root` is missing or has no manifest, or one is damaged.
    """
    recipes = {}
    for path in sorted(require(root, NAME).glob("*_manifest_*_*.json")):
        reader, _, quality, split = path.stem.split("_")
        if _readers().get(reader):
            recipes[f"{reader}_{quality}_{split}"] = partial(_prepare, path, root, reader, quality)
        else:
            _log.warning("%s: %s is of no reader of this corpus", NAME, path)
    if not recipes:
        raise InputError(f"{NAME}: {root} has no {{reader}}_manifest_clean_train.json and so on.")
    clips = []
    for part, path, supervision in read_utterances(root, NAME, recipes, out):
        reader = part.partition("_")[0]
        # Two books may have chapters of one name, and readers read the same book.
        folders = path.relative_to(root).parts[1:-1]
        clips.append(
            Clip(
                corpus=NAME,
                id="_".join((*folders, supervision.id)),
                path=path,
                speaker=f"{NAME}-{reader}",
                text=(supervision.custom or {}).get("text_punct") or "",
                gender=gender_of(_readers()[reader]),
            )
        )
    return clips


def _readers() -> dict[str, str]:
    """Reader -> "F" or "M"."""
    from lhotse.recipes.hifitts import ID2GENDER

    return ID2GENDER


def _prepare(path: Path, root: Path, reader: str, quality: str) -> Manifests:
    # Not the recipe as a whole, which in several processes gives parts the names of others.
    from lhotse.recipes.hifitts import prepare_single_partition

    return prepare_single_partition(path, root, reader, quality)
