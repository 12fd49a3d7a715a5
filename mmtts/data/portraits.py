"""Portraits of those whose voice nobody knows: faces cut out of videos and of single pictures."""

from __future__ import annotations

import heapq
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mmtts import InputError
from mmtts.data.corpora.records import Footage, Photo
from mmtts.data.face_tracks import Tracking, find_tracks
from mmtts.data.faces import FaceCropper
from mmtts.data.pictures import decode_image
from mmtts.data.preparation import full_id
from mmtts.data.shard_folders import digest_of
from mmtts.data.stills import face_quality
from mmtts.data.video import Video
from mmtts.storage.atomic import atomic_write

FACES = "faces"  # folder
LARGEST = 2**26  # bytes of a picture
_JPEG_QUALITY = 92
Box = tuple[float, float, float, float]
Row = dict[str, Any]


def portrait_path(item: str, number: int) -> str:
    """Where a portrait lies in a prepared folder.

    There are thousands of folders, since there may be millions of people with one portrait each.

    Args:
        item: Video or picture that it was cut from, as `mmtts.data.preparation.full_id` names it.
        number: Counts the portraits of the item from 0.

    Example:
        >>> portrait_path("celebv_text--lPQTvZIogI_181_1", 0)
        'faces/celebv_text/dbe/-lPQTvZIogI_181_1-0.jpg'
    """
    corpus, _, name = item.partition("-")
    return f"{FACES}/{corpus}/{digest_of(item).hex()[:3]}/{name}-{number}.jpg"


def portray_footage(
    footage: Footage, folder: Path, cropper: FaceCropper, tracking: Tracking
) -> Row:
    """Write the best portraits of the one face that a video shows; its sound counts for nothing.

    Args:
        footage: The video.
        folder: Where to write, see `portrait_path`.
        cropper: Finds faces and cuts them out.
        tracking: How the face is followed; `stills` are the portraits of the whole video, at most.

    Returns:
        JSON-able: `portraits` (`corpus`, `id`, `face`, `person`, `gender`), in order of time.

    Raises:
        InputError: The video is damaged, or shows nobody alone; in one sentence.
    """
    with Video(footage.path) as video:
        if not video.has_picture:
            raise InputError(f"{footage.path} has no pictures.")
        tracks = find_tracks(video, cropper, tracking, footage.span, footage.center)
        stills = (still for track in tracks for still in track.stills)
        best = heapq.nlargest(tracking.stills, stills, key=lambda still: still.quality)
    crops = [still.crop for still in sorted(best, key=lambda still: still.seconds)]
    return _write(footage, crops, folder)


def portray_photo(photo: Photo, folder: Path, cropper: FaceCropper) -> Row:
    """Write the portrait of who is meant in a picture; see `portray_footage`.

    Raises:
        InputError: The picture is damaged or too large, or shows no single, large and frontal face
            where one should be; in one sentence.
    """
    name = str(photo.path) if photo.at is None else f"{photo.id} of {photo.path}"
    image = _open(photo, name)
    box = _scaled(photo.box, photo.size, image.size) if photo.box else None
    faces = cropper.locate(image, name, box=box)
    if not face_quality(image, faces):
        raise InputError(f"{name} shows no face from the front.")
    return _write(photo, [cropper.cut_out(image, faces)], folder)


def save_portrait(path: Path, crop: Image.Image) -> None:
    """Write an aligned crop as a JPEG file that is there whole or not at all."""
    with atomic_write(path) as temporary:
        crop.save(temporary, format="JPEG", quality=_JPEG_QUALITY)


def _open(photo: Photo, name: str) -> Image.Image:
    """Decode a picture, of which no more than `LARGEST` bytes are read."""
    try:
        with photo.path.open("rb") as file:
            first, size = photo.at or (0, os.fstat(file.fileno()).st_size)
            if size > LARGEST:
                raise InputError(f"{name} has {size} bytes: make it smaller than {LARGEST}.")
            file.seek(first)
            return decode_image(io.BytesIO(file.read(size)), name)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error


def _scaled(box: Box, original: tuple[int, int] | None, size: tuple[int, int]) -> Box:
    """Bring a box to the pixels of a picture that was scaled evenly, and maybe given a border."""
    if original is None:
        return box
    (width, height), (was_wide, was_high) = size, original
    scale = min(width / was_wide, height / was_high)
    x, y = (width - scale * was_wide) / 2, (height - scale * was_high) / 2
    left, top, right, bottom = (scale * place for place in box)
    return left + x, top + y, right + x, bottom + y


def _write(item: Footage | Photo, crops: Sequence[Image.Image], folder: Path) -> Row:
    """Write the portraits of an item and return its row."""
    portraits = []
    for number, crop in enumerate(crops):
        face = portrait_path(full_id(item), number)
        save_portrait(folder / face, crop)
        portraits.append(
            {
                "corpus": item.corpus,
                "id": f"{item.id}-{number}",
                "face": face,
                "person": item.person,
                "gender": item.gender,
            }
        )
    return {"portraits": portraits}
