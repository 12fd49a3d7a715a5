"""Preparing one shard of a corpus of faces without voices: videos or single pictures.

What its folder holds is listed in `mmtts.data.extraction`. `rows.jsonl`, empty because there are no
clips, says that the shard is finished.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mmtts.data.corpora.records import Footage, Photo
from mmtts.data.extraction import FOOTAGE, PHOTOS, Row, extract_all, reasons_of, write_portraits
from mmtts.data.face_tracks import Tracking
from mmtts.data.faces import FaceCropper
from mmtts.data.portraits import portray_footage, portray_photo
from mmtts.data.shard_folders import ROWS, SKIPPED, read_items, rewriting
from mmtts.data.shards import source_of


def prepare_silent_footage(
    folder: Path, out: Path, tracking: Tracking, retry: bool = False, show: bool = False
) -> None:
    """Cut portraits out of the videos of a shard of which there are none yet, and finish it.

    Args:
        folder: From `mmtts.data.shard_folders.deal_items`, which wrote `footage.jsonl`.
        out: The prepared folder, where portraits are written below `faces/`.
        tracking: How faces are followed; see `mmtts.data.portraits.portray_footage`.
        retry: Try videos again that could not be used.
        show: A progress bar.

    Raises:
        InputError: The shard was not dealt, or another process is at it.
    """

    def source(item: Footage) -> str:
        return source_of(item.path, item.span, item.center, asdict(tracking))

    def work(item: Footage, cropper: FaceCropper) -> Row:
        return portray_footage(item, out, cropper, tracking)

    footage = read_items(folder, Footage, FOOTAGE)
    _finish(folder, extract_all(folder, footage, source, work, retry=retry, show=show))


def prepare_photos(folder: Path, out: Path, retry: bool = False, show: bool = False) -> None:
    """Cut a portrait out of each picture of a shard that has none yet, and finish it.

    Args:
        folder: From `mmtts.data.shard_folders.deal_items`, which wrote `photos.jsonl`.
        out: The prepared folder, where portraits are written below `faces/`.
        retry: Try pictures again that could not be used.
        show: A progress bar.

    Raises:
        InputError: The shard was not dealt, or another process is at it.
    """

    def source(item: Photo) -> str:
        return source_of(item.path, item.at, item.box, item.size)

    def work(item: Photo, cropper: FaceCropper) -> Row:
        return portray_photo(item, out, cropper)

    photos = read_items(folder, Photo, PHOTOS, first_counts=True)
    _finish(folder, extract_all(folder, photos, source, work, retry=retry, show=show))


def _finish(folder: Path, rows: Sequence[Row]) -> None:
    """Write what came out of the shard, last the file that says so."""
    write_portraits(folder, rows)
    with rewriting(folder / SKIPPED) as file:
        for name, reason in reasons_of(rows).items():
            file.write(json.dumps({"id": name, "skipped": reason}) + "\n")
    with rewriting(folder / ROWS):
        pass
