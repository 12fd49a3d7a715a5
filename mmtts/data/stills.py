"""Stills: which few pictures of a face track become portraits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from mmtts.data.faces import FaceCropper, Faces

SLOT_SECONDS = 0.6  # in each of which one picture at most is a candidate
_ENOUGH_PIXELS = 100  # width of the face in the aligned crop: more do not make it better
_SHARPNESS_SIDE = 96
# Half as good as perfectly sharp. The median of 200 faces of speech2face is 2.1, and 1.1 after
# blurring them by two pixels.
_SHARPNESS = 2.0
_LEAST_FRONTALITY = 0.3


class Still(NamedTuple):
    """A portrait.

    Attributes:
        seconds: When, in seconds of the video.
        quality: From `face_quality`.
        crop: Aligned, RGB.
    """

    seconds: float
    quality: float
    crop: Image.Image


class StillChooser:
    """Takes the pictures of a track as they come, and keeps the best, spread over time.

    Of every `SLOT_SECONDS` the best picture is aligned and kept, of these in the end the best of
    each of `n` equal parts of the track: one whole picture is in memory at a time.

    Args:
        cropper: Cuts faces out.
        n: Portraits of a track, at most.
    """

    def __init__(self, cropper: FaceCropper, n: int) -> None:
        self._cropper, self._n = cropper, n
        self._candidates: list[Still] = []
        self._best: tuple[float, float, Image.Image, Faces] | None = None

    def add(self, seconds: float, image: Image.Image, faces: Faces) -> None:
        """Consider the first of the faces in a picture; turned away, it is no portrait."""
        if self._best and seconds // SLOT_SECONDS != self._best[0] // SLOT_SECONDS:
            self._keep()
        quality = face_quality(image, faces)
        if quality > (self._best[1] if self._best else 0.0):
            self._best = (seconds, quality, image, faces)

    def finish(self, start: float, end: float) -> list[Still]:
        """Return the portraits of the track from `start` to `end` and forget it."""
        self._keep()
        chosen: dict[int, Still] = {}
        for still in self._candidates:
            part = min(self._n - 1, int(self._n * (still.seconds - start) / max(end - start, 1e-9)))
            if part not in chosen or still.quality > chosen[part].quality:
                chosen[part] = still
        self._candidates = []
        return [chosen[part] for part in sorted(chosen)]

    def _keep(self) -> None:
        if self._best is not None:
            seconds, quality, image, faces = self._best
            self._candidates.append(Still(seconds, quality, self._cropper.cut_out(image, faces)))
        self._best = None


def face_quality(image: Image.Image, faces: Faces) -> float:
    """How good a portrait of the first face a picture makes.

    The product of its size, its sharpness, its frontality and the detector's probability.

    Returns:
        Between 0 and 1; 0 where the face is turned away.
    """
    box, landmarks = faces.boxes[0], faces.landmarks[0]
    frontal = frontality(landmarks)
    if frontal < _LEAST_FRONTALITY:
        return 0.0
    size = min(1.0, float(box[2] - box[0]) / _ENOUGH_PIXELS)
    sharp = sharpness(image, box)
    return size * frontal * float(faces.sure[0]) * sharp / (sharp + _SHARPNESS)


def frontality(landmarks: np.ndarray) -> float:
    """How far a face looks into the camera, by where the nose lies.

    Args:
        landmarks: (5, 2), see `mmtts.data.faces.align_face`.

    Returns:
        1 where the nose is midway between the eyes, and midway between eyes and mouth; 0 where it
        is as far to a side as an eye, or as high or low as the eyes or the mouth.
    """
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    across = _share(landmarks[2], landmarks[0], landmarks[1])
    down = _share(landmarks[2], eyes, mouth)
    turned = 2 * max(abs(across - 0.5), abs(down - 0.5))
    return max(0.0, 1.0 - turned)


def _share(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """How much of the way from one point to another a third one has come."""
    way = end - start
    return float((point - start) @ way / max(float(way @ way), 1e-9))


def sharpness(image: Image.Image, box: np.ndarray) -> float:
    """Mean absolute Laplacian of the gray levels in a box, brought to one size."""
    side = (_SHARPNESS_SIDE, _SHARPNESS_SIDE)
    left, top, right, bottom = np.clip(box, 0, (*image.size, *image.size)).tolist()
    small = image.convert("L").resize(
        side, Image.Resampling.BILINEAR, (left, top, right, bottom), reducing_gap=2.0
    )
    gray = np.asarray(small, float)
    middle = 4 * gray[1:-1, 1:-1]
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    return float(np.abs(middle - around).mean())
