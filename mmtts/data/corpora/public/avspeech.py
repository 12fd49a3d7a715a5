"""AVSpeech: stretches of YouTube's videos in which a face speaks (arXiv 1804.03619).

Its authors publish lists of stretches, no videos. Nobody labeled who speaks: every video counts as
one person of its own, though some people are in several videos.
"""

import csv
import logging
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mmtts import InputError
from mmtts.data.corpora.records import Footage, License, require

NAME = "avspeech"
LICENSE = License(
    "lists CC BY 4.0; the videos are YouTube's: research only",
    False,
    "https://looking-to-listen.github.io/avspeech/",
)
TABLES = {"train": "avspeech_train.csv", "test": "avspeech_test.csv"}
ENDINGS = {".mp4", ".mkv", ".webm", ".mov", ".m4v", ".avi"}
# The name of a video has eleven characters, "_" and "-" among them.
_VIDEO = re.compile(r"[\w-]{11}", re.ASCII)
_STRETCH = re.compile(r"([\w-]{11})_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", re.ASCII)
_Key = tuple[str, int, int]  # video, start and end in hundredths of a second

_log = logging.getLogger(__name__)


def read_footage(root: Path) -> Iterator[Footage]:
    """Read `avspeech_{train,test}.csv` (video, start, end, x, y; no header) and find the videos.

    Videos lie anywhere below `root`, as a whole (`<video>.mp4`) or cut, which goes before
    (`<video>_<start>_<end>.mp4`). x and y are where the face of who speaks has its center at first,
    as shares of the picture's width and height. Stretches without a video, and lines that cannot be
    read, are counted in the log.

    Raises:
        InputError: When neither list is there, or there is no video at all.
    """
    tables = {s: root / t for s, t in TABLES.items() if (require(root, NAME) / t).is_file()}
    if not tables:
        raise InputError(f"{NAME}: {root} holds none of {', '.join(TABLES.values())}.")
    whole, cut = _find_videos(root)
    if not whole and not cut:
        raise InputError(f"{NAME}: no video <id>.mp4 or <id>_<start>_<end>.mp4 is below {root}.")
    for split, table in tables.items():
        n_found = n_absent = n_unread = 0
        with table.open(newline="", encoding="utf-8", errors="replace") as file:
            for cells in csv.reader(file):
                line = _read_line(cells)
                if line is None:
                    n_unread += 1
                    continue
                video, start, end, x, y = line
                key = _key(video, start, end)
                path = cut.get(key) or whole.get(video)
                if path is None:
                    n_absent += 1
                    continue
                n_found += 1
                yield Footage(
                    corpus=NAME,
                    id=f"{video}-{key[1]}-{key[2]}",
                    path=path,
                    person=f"{NAME}-{video}",
                    span=None if key in cut else (start, end),
                    center=(x, y),
                    split=split,
                )
        _log.info(
            "%s: %d stretches with a video, %d without, %d lines that cannot be read",
            table, n_found, n_absent, n_unread,
        )  # fmt: skip


def _find_videos(root: Path) -> tuple[dict[str, Path], dict[_Key, Path]]:
    """Find whole videos by name, and cut ones by name, start and end."""
    whole: dict[str, Path] = {}
    cut: dict[_Key, Path] = {}
    for folder, _, files in os.walk(root):
        for name in sorted(files):
            stem, ending = os.path.splitext(name)  # noqa: PTH122 - a Path per file is slow
            if ending.lower() not in ENDINGS:
                continue
            if match := _STRETCH.fullmatch(stem):
                cut[_key(match[1], float(match[2]), float(match[3]))] = Path(folder, name)
            elif _VIDEO.fullmatch(stem):
                whole[stem] = Path(folder, name)
    return whole, cut


def _key(video: str, start: float, end: float) -> _Key:
    return video, round(100 * start), round(100 * end)


def _read_line(cells: list[str]) -> tuple[str, float, float, float, float] | None:
    """Return video, start, end, x and y, or None where a line has not these."""
    if len(cells) != 5 or not _VIDEO.fullmatch(cells[0]):
        return None
    try:
        start, end, x, y = (float(cell) for cell in cells[1:])
    except ValueError:
        return None
    inside = 0 <= x <= 1 and 0 <= y <= 1
    return (cells[0], start, end, x, y) if inside and 0 <= start < end < math.inf else None
