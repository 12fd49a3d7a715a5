"""Writing the clips of prepared shards: into Lhotse Shar, or into manifests and FLAC files."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.prepared import make_cut, with_loudness, write_cuts, zip_cuts
from mmtts.data.shard_census import read_rows
from mmtts.data.shard_journal import AUDIO
from mmtts.data.thresholds import name_row
from mmtts.storage.atomic import atomic_write

_FLAC = b"fLaC"
Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """Clips that lie in one file.

    Attributes:
        split: "train", "valid" or "test".
        number: Of the file, from 0.
        where: int (n,), the file of each row, see `read_rows`.
        offsets: int (n,), where it begins in the file.
    """

    split: str
    number: int
    where: np.ndarray
    offsets: np.ndarray


def write_shar(
    out: Path, parts: Sequence[Part], files: Sequence[Path], bins: Mapping[str, Any]
) -> None:
    """Write parts of Lhotse Shar, `speech/shar/{split}/cuts.000000.jsonl.gz` and its sound.

    A part that is there as it would be written is left alone.

    Args:
        out: The prepared folder.
        parts: Each becomes one manifest and one tar of FLAC files.
        files: `rows.jsonl` of every shard.
        bins: From `mmtts.data.thresholds.learn_thresholds`.

    Raises:
        InputError: The sound of a clip is damaged.
    """
    for part in parts:
        manifest, recordings = shar_files(out, part.split, part.number)
        rows = read_rows(files, part.where, part.offsets)
        pairs = [(row, _cut_of(row, bins)) for row in rows]
        for _, cut in pairs:
            cut["recording"]["sources"] = [{"type": "shar", "channels": [0], "source": ""}]
        content = b"".join(zip_cuts(cut for _, cut in pairs))
        if recordings.exists() and manifest.exists() and manifest.read_bytes() == content:
            continue
        manifest.unlink(missing_ok=True)  # which stands for the sound, too
        _write_recordings(recordings, pairs)
        with atomic_write(manifest) as temporary:
            temporary.write_bytes(content)


def write_files(
    out: Path, parts: Sequence[Part], files: Sequence[Path], bins: Mapping[str, Any]
) -> None:
    """Write `speech/cuts_{split}.jsonl.gz` and one FLAC file per clip; see `write_shar`."""

    def cuts(part: Part) -> Iterator[Row]:
        for row in read_rows(files, part.where, part.offsets):
            audio = read_flac(row)
            path = out / row["audio"]
            if not (path.exists() and path.read_bytes() == audio):
                with atomic_write(path) as temporary:
                    temporary.write_bytes(audio)
            yield _cut_of(row, bins)

    for part in parts:
        write_cuts(out / "speech" / f"cuts_{part.split}.jsonl.gz", cuts(part))


def shar_files(out: Path, split: str, number: int) -> tuple[Path, Path]:
    """The manifest and the tar of a part."""
    folder = out / "speech" / "shar" / split
    return folder / f"cuts.{number:06d}.jsonl.gz", folder / f"recording.{number:06d}.tar"


def read_flac(row: Row) -> bytes:
    """Read the FLAC file of a row of `read_rows`.

    Raises:
        InputError: It is not there.
    """
    start, size = row["at"]
    path = row["folder"] / AUDIO
    with path.open("rb") as file:
        file.seek(start)
        audio = file.read(size)
    if len(audio) < size or not audio.startswith(_FLAC):
        raise InputError(f"{path} lost the sound of {row['id']}: delete its folder, prepare again")
    return audio


def _cut_of(row: Row, bins: Mapping[str, Any]) -> Row:
    row = with_loudness(row, bins["level_by_corpus"])
    return make_cut(row, name_row(row, bins))


def _write_recordings(path: Path, pairs: Sequence[tuple[Row, Row]]) -> None:
    """Write the sound and the recording of each clip, one after the other, as Lhotse reads them."""
    with atomic_write(path) as temporary, tarfile.open(temporary, "w") as tar:
        for row, cut in pairs:
            recording = (json.dumps(cut["recording"]) + "\n").encode()
            for ending, content in ((".flac", read_flac(row)), (".json", recording)):
                info = tarfile.TarInfo(row["id"] + ending)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
