"""Shar index: which shards a split has, and who speaks in them, without reading every manifest.

Beside a split's shards lies ``shar_index.json``, beside the splits ``speakers.json``. So nothing
has to be listed, which a web server cannot do, and all processes number the speakers alike.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmtts import InputError
from mmtts.data.streaming.remote_files import join, read_file
from mmtts.storage.atomic import atomic_write

INDEX, SPEAKERS = "shar_index.json", "speakers.json"
_NAME = re.compile(r"(cuts|recording)(\.\w+)*")  # no folder: an index may come from elsewhere


class Shard(NamedTuple):
    """A part of a split.

    Attributes:
        cuts: path or URL of its manifest.
        recording: of the tar with its audio, in the manifest's order.
        clips: how many.
        seconds: their length.
    """

    cuts: str
    recording: str
    clips: int
    seconds: float


class Speaker(NamedTuple):
    """What is known of a training speaker: clips, seconds, and clips of each accent."""

    clips: int
    seconds: float
    accents: dict[str, int]


def shar_folder(folder: str | os.PathLike[str]) -> str:
    """Say where a prepared folder keeps its shards."""
    return join(folder, "speech", "shar")


def read_shards(folder: str | os.PathLike[str], split: str) -> list[Shard]:
    """Read the index of a split.

    Args:
        folder: prepared data folder, or its URL.
        split: ``"train"``, ``"valid"`` or ``"test"``.

    Raises:
        InputError: there is none, or it is broken.
    """
    place = join(shar_folder(folder), split)
    content = _read(join(place, INDEX))
    try:
        rows = [
            (str(s["cuts"]), str(s["recording"]), int(s["clips"]), float(s["seconds"]))
            for s in content["shards"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{join(place, INDEX)} is no index of shards: {error!r}") from error
    bad = [name for row in rows for name in row[:2] if not _NAME.fullmatch(name)]
    if bad or not rows:
        what = f"names {bad[0]!r}, which is no shard" if bad else "names no shard"
        raise InputError(f"{join(place, INDEX)} {what}: write it anew.")
    return [Shard(join(place, a), join(place, b), clips, s) for a, b, clips, s in rows]


def read_speakers(folder: str | os.PathLike[str]) -> dict[str, Speaker]:
    """Read who speaks in the training shards.

    Raises:
        InputError: ``speakers.json`` is missing or broken.
    """
    url = join(shar_folder(folder), SPEAKERS)
    content = _read(url)
    try:
        return {
            str(name): Speaker(int(s["clips"]), float(s["seconds"]), dict(s["accents"]))
            for name, s in content["speakers"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{url} is no table of speakers: {error!r}") from error


def _read(url: str) -> Any:
    try:
        return json.loads(read_file(url))
    except InputError as error:
        hint = "write it with python scripts/to_shar.py FOLDER --index-only"
        raise InputError(f"{error} ({hint})") from error
    except ValueError as error:
        raise InputError(f"{url} is no JSON: {error}") from error


def index_shar(folder: Path) -> None:
    """Write the index of every split of a local folder, and the speakers of the training split.

    Raises:
        InputError: a shard is incomplete or broken.
    """
    for place in sorted(path for path in Path(shar_folder(folder)).iterdir() if path.is_dir()):
        speakers: dict[str, list[Any]] = {}
        shards = []
        for manifest in sorted(place.glob("cuts.*.jsonl.gz")):
            recording = manifest.name.replace("cuts", "recording").replace(".jsonl.gz", ".tar")
            if not (place / recording).is_file():
                raise InputError(f"{manifest} has no {recording} beside it: export it again.")
            clips, seconds = 0, 0.0
            for speaker, length, accent in _rows(manifest):
                known = speakers.setdefault(speaker, [0, 0.0, Counter()])
                known[0], known[1] = known[0] + 1, known[1] + length
                known[2][accent] += 1
                clips, seconds = clips + 1, seconds + length
            row = {"cuts": manifest.name, "recording": recording, "clips": clips}
            shards.append({**row, "seconds": round(seconds, 3)})
        _write(place / INDEX, {"shards": shards})
        if place.name == "train":
            rows = {
                name: {"clips": n, "seconds": round(s, 3), "accents": dict(sorted(accents.items()))}
                for name, (n, s, accents) in sorted(speakers.items())
            }
            _write(place.parent / SPEAKERS, {"speakers": rows})


def _rows(manifest: Path) -> Iterator[tuple[str, float, str]]:
    """Speaker, seconds and accent of every clip of a manifest."""
    try:
        for line in read_file(str(manifest)).splitlines():
            cut = json.loads(line)
            said = cut["supervisions"][0]
            accent = (said.get("custom") or {}).get("accent") or ""
            yield str(said["speaker"]), float(cut["duration"]), str(accent)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"{manifest} is no readable cut manifest: {error!r}") from error


def _write(path: Path, content: Any) -> None:
    with atomic_write(path) as temporary:
        text = json.dumps(content, ensure_ascii=False, indent=0)
        temporary.write_text(text + "\n", encoding="utf-8")
