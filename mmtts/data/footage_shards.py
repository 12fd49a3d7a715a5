"""Preparing one shard of a corpus of videos: portraits and sound first, then the sound as clips.

What its folder holds is listed in `mmtts.data.extraction` and `mmtts.data.shard_folders`.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from mmtts.data.corpora.records import Footage
from mmtts.data.extraction import FOOTAGE, Row, extract_all, reasons_of, write_portraits
from mmtts.data.face_tracks import Tracking
from mmtts.data.faces import FaceCropper
from mmtts.data.footage import extract, read_row
from mmtts.data.shard_folders import read_items, write_items
from mmtts.data.shards import Manner, prepare_shard, source_of


def prepare_footage(
    folder: Path,
    out: Path,
    manner: Manner,
    tracking: Tracking,
    sample_rate: int = 16_000,
    show: bool = False,
) -> None:
    """Extract the footage of a shard that is not extracted yet, then prepare its clips.

    Sound and portraits are written below `out`, in `sound/` and `faces/`; see
    `mmtts.data.footage.extract`. The clips are then those of `mmtts.data.shards.prepare_shard`,
    which marks the shard as finished.

    Args:
        folder: From `mmtts.data.shard_folders.deal_items`, which wrote `footage.jsonl`.
        out: The prepared folder.
        manner: How clips are prepared; noise is suppressed in them, not before.
        tracking: How faces are followed.
        sample_rate: Of the sound that is extracted, in Hz.
        show: Progress bars.

    Raises:
        InputError: The shard was not dealt, or another process is at it.
    """
    facts = (asdict(tracking), sample_rate)

    def source(item: Footage) -> str:
        return source_of(item.path, item.text, item.words, item.span, facts)

    def work(item: Footage, cropper: FaceCropper) -> Row:
        return extract(item, out, cropper, tracking, sample_rate=sample_rate)

    footage = read_items(folder, Footage, FOOTAGE)
    rows = extract_all(folder, footage, source, work, retry=manner.retry, show=show)
    clips = [clip for row in rows if "clips" in row for clip in read_row(row, out)[0]]
    write_items(clips, folder)
    write_portraits(folder, rows)
    prepare_shard(folder, manner, show, reasons_of(rows))
