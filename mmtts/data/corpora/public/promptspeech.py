"""PromptSpeech, the captions of PromptTTS (arXiv 2211.12171): those of real clips of LibriTTS.

Assumed of the tables, which have been published without a description: a header, `item_name` with
LibriTTS's name of the clip, labels of gender, pitch, speed and volume, and the prompt; the columns
may be spelled as in `style_tables`, and parted by commas, bars or tabs. Its synthetic part names
no clip of LibriTTS, so its rows belong to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmtts.data.corpora.public.style_tables import stream_captions
from mmtts.data.corpora.public.tables import find_tables
from mmtts.data.corpora.records import Caption, License, require

NAME = "promptspeech"
LICENSE = License(
    "none stated: research only", False, "https://speechresearch.github.io/prompttts/#dataset"
)
_CLIP = re.compile(r"(?<![\d_])(\d+_\d+_\d{6}_\d{6})(?:\.\w+)?$")


def clip_of(name: str, libritts: str = "libritts_r") -> str:
    """Return the id of the clip of LibriTTS that a path or a name means; "" where it means none.

    Args:
        name: `item_name`, or a path.
        libritts: Which release of LibriTTS is prepared; the names of its clips are the same.

    Example:
        >>> clip_of("1034_121119_000001_000001", "libritts")
        'libritts-1034_121119_000001_000001'
    """
    match = _CLIP.search(name)
    return f"{libritts}-{match[1]}" if match else ""


def read_captions(root: Path, libritts: str = "libritts_r") -> Iterator[Caption]:
    """Yield the captions of every `*.csv` and `*.tsv` in `root`.

    Args:
        root: Where the corpus was unpacked.
        libritts: See `clip_of`.

    Raises:
        InputError: The folder, the tables or a needed column of one is missing.
    """
    for path in find_tables([require(root, NAME)], [".csv", ".tsv"], NAME):
        yield from stream_captions(path, NAME, lambda name: clip_of(name, libritts))
