"""Faces: any picture of a person into an aligned crop.

MTCNN (Zhang et al., arXiv 1604.02878) finds the face and five landmarks; a similarity transform
brings the landmarks to where face-recognition networks expect them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from mmtts import InputError
from mmtts.data.pictures import GROUND, Picture, load_image

if TYPE_CHECKING:
    from torch import Tensor

CROP_SIZE = 186  # no usual size of a picture, so that a crop is known by it
# Eyes, nose and corners of the mouth in ArcFace's square of 112 (arXiv 1801.07698), which lies in a
# crop of 120: 4 more on the left and on the right, and 8 below, since some networks want the chin.
_TEMPLATE = np.array(
    [
        [42.2946, 51.6963],
        [77.5318, 51.5014],
        [60.0252, 71.7366],
        [45.5493, 92.3655],
        [74.7299, 92.2041],
    ]
)
_TEMPLATE_SIDE = 120
# Longest side of the picture in the search, and its gray border as a share of that: close to an
# edge MTCNN misplaces landmarks by many pixels. Small faces in large pictures are searched last.
_SEARCHES = ((384, 0.2), (1600, 0.05))
_SEARCHED_WIDTH = 32
_REFINED_SIDE = 224  # of the square, twice as wide as the face, in which landmarks are found
_SURE = 0.9
# Others in the background count as faces when they are at least half as wide as the largest.
_COMPARABLE = 0.5


class Faces(NamedTuple):
    """What was found in a picture, the largest face first.

    Attributes:
        boxes: (F, 4), left, top, right and bottom in pixels.
        landmarks: (F, 5, 2), x and y in pixels.
        sure: (F,), the detector's probability that it is a face.
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    sure: np.ndarray

    @property
    def widths(self) -> np.ndarray:
        """Widths (F,) in pixels."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def n_prominent(self) -> int:
        """How many faces are not merely in the background."""
        return int((self.widths >= _COMPARABLE * self.widths[:1]).sum())


_NONE = Faces(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))


def image_to_tensor(image: Image.Image | np.ndarray) -> Tensor:
    """Turn an RGB crop (H, W, 3) into float32 (3, H, W) in [-1, 1]."""
    import torch

    pixels = torch.from_numpy(np.array(image, np.uint8))
    return pixels.permute(2, 0, 1).float().div_(127.5).sub_(1.0)


class FaceCropper:
    """Finds the face in a picture and cuts it out, upright and centered.

    Args:
        device: where MTCNN runs.
        min_pixels: narrower faces are refused.
    """

    def __init__(self, device: str = "cpu", min_pixels: int = 40) -> None:
        from facenet_pytorch import MTCNN

        self.min_pixels = min_pixels
        self._detector: Any = MTCNN(keep_all=True, min_face_size=_SEARCHED_WIDTH, device=device)
        self._refiner: Any = MTCNN(keep_all=True, min_face_size=_REFINED_SIDE // 5, device=device)

    def crop(
        self, picture: Picture, size: int = CROP_SIZE, *, largest: bool = False
    ) -> Image.Image:
        """Cut the face out.

        Args:
            picture: see `load_image`.
            size: side of the crop in pixels.
            largest: take the largest of several faces instead of refusing.

        Returns:
            RGB, ``size`` x ``size``.

        Raises:
            InputError: the picture cannot be read, or has no face, several faces or a tiny face.
        """
        image = load_image(picture)
        name = "The picture" if isinstance(picture, Image.Image | np.ndarray) else str(picture)
        return self.cut_out(image, self.locate(image, name, largest=largest), size)

    def locate(
        self,
        image: Image.Image,
        name: str,
        *,
        largest: bool = False,
        box: Sequence[float] | None = None,
    ) -> Faces:
        """Find the face that is meant in an RGB picture.

        Args:
            image: The picture.
            name: How to call it in a message.
            largest: Take the largest of several faces instead of refusing.
            box: Left, top, right and bottom in pixels: the face is meant whose middle is in this
                box, the nearest to its middle where there are several.

        Returns:
            That face first.

        Raises:
            InputError: There is no face, or there are several, or it is tiny.
        """
        faces = self.find(image) if box is None else self._find_in(image, box)
        if not len(faces.boxes):
            where = "" if box is None else " in its box"
            raise InputError(
                f"{name} shows no face{where}: use a frontal, well-lit picture of one person."
            )
        widths = faces.widths
        if box is None and not largest and (count := faces.n_prominent) > 1:
            raise InputError(
                f"{name} shows {count} faces: use a picture of one person, or ask for the largest."
            )
        if widths[0] < self.min_pixels:
            raise InputError(
                f"{name} shows a face only {widths[0]:.0f} pixels wide: "
                f"at least {self.min_pixels} are needed."
            )
        return faces

    def _find_in(self, image: Image.Image, box: Sequence[float]) -> Faces:
        """Find the faces whose middle is in a box, the nearest to its middle first."""
        low, high = np.array(box[:2]), np.array(box[2:])
        # MTCNN needs to see what is around a face.
        first = np.maximum(np.floor(2 * low - high), 0).astype(int)
        last = np.minimum(np.ceil(2 * high - low), image.size).astype(int)
        if (first >= last).any():
            return _NONE
        found = self.find(image.crop((*first.tolist(), *last.tolist())))
        faces = Faces(found.boxes + np.tile(first, 2), found.landmarks + first, found.sure)
        middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        inside = np.flatnonzero(((low <= middles) & (middles <= high)).all(axis=1))
        away = np.linalg.norm(middles - (low + high) / 2, axis=1)
        chosen = inside[np.argsort(away[inside])]
        return Faces(faces.boxes[chosen], faces.landmarks[chosen], faces.sure[chosen])

    def find(self, image: Image.Image) -> Faces:
        """Find the faces in an RGB picture; none gives empty arrays."""
        longest = max(image.size)
        for side, border in _SEARCHES:
            scale = min(1.0, side / longest)
            width, height = (max(1, round(scale * s)) for s in image.size)
            small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
            edge = round(border * max(small.size))
            faces = _detect(self._detector, ImageOps.expand(small, edge, fill=GROUND))
            if len(faces.boxes) or scale == 1.0:
                break
        return Faces((faces.boxes - edge) / scale, (faces.landmarks - edge) / scale, faces.sure)

    def cut_out(self, image: Image.Image, faces: Faces, size: int = CROP_SIZE) -> Image.Image:
        """Align the first of the faces found in an RGB picture; see `align_face`."""
        return align_face(image, self._refine(image, faces), size)

    def _refine(self, image: Image.Image, faces: Faces) -> np.ndarray:
        """Find the landmarks (5, 2) of the first face again, at a size that does not vary."""
        left, top, right, bottom = faces.boxes[0]
        x, y, half = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top)
        corner = np.array([x - half, y - half])
        scale = _REFINED_SIDE / (2 * half)
        pixels = _cut(image, np.eye(2) / scale, corner, _REFINED_SIDE)
        found = _detect(self._refiner, pixels)
        if not len(found.boxes):
            return faces.landmarks[0]
        landmarks = found.landmarks / scale + corner
        return min(landmarks, key=lambda points: float(np.abs(points - faces.landmarks[0]).max()))


def _detect(detector: Any, image: Image.Image) -> Faces:
    """Run MTCNN; keep what it is sure of, in its picture's pixels."""
    try:
        found, sure, points = detector.detect(image, landmarks=True)
    except (RuntimeError, ValueError):
        return _NONE  # the picture is too small for the first of MTCNN's networks
    if found is None:
        return _NONE
    # MTCNN returns arrays of objects.
    probabilities = np.asarray(sure.tolist(), float)
    keep = probabilities >= _SURE
    boxes = np.asarray(found.tolist(), float)[keep]
    order = np.argsort(boxes[:, 0] - boxes[:, 2])
    landmarks = np.asarray(points.tolist(), float)[keep][order]
    return Faces(boxes[order], landmarks, probabilities[keep][order])


def align_face(image: Image.Image, landmarks: np.ndarray, size: int = CROP_SIZE) -> Image.Image:
    """Cut out a face so that its landmarks come to lie on the template.

    Args:
        image: RGB.
        landmarks: (5, 2), x and y of the left eye (in the picture), the right eye, the nose and
            the left and right corner of the mouth; the first pixel covers 0 to 1.
        size: side of the crop in pixels.

    Returns:
        RGB, ``size`` x ``size``; beyond its edges the picture goes on in their color.
    """
    template = _TEMPLATE * (size / _TEMPLATE_SIDE)
    matrix, shift = _similarity(template, landmarks)
    return _cut(image, matrix, shift, size)


def _cut(image: Image.Image, matrix: np.ndarray, shift: np.ndarray, size: int) -> Image.Image:
    """Return a square whose point p shows the picture's point ``matrix @ p + shift``."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) @ matrix.T + shift
    low = np.floor(corners.min(0)).astype(int) - 2
    high = np.ceil(corners.max(0)).astype(int) + 2
    # Beyond its edges the picture goes on in the color of the edge: no border to learn from.
    columns = np.arange(low[0], high[0]).clip(0, image.width - 1)
    rows = np.arange(low[1], high[1]).clip(0, image.height - 1)
    part, shift = Image.fromarray(np.asarray(image)[rows[:, None], columns]), shift - low
    # A large part is reduced first: the transform itself does not smooth.
    factor = int(np.sqrt(abs(np.linalg.det(matrix))))
    if factor > 1:
        part, matrix, shift = part.reduce(factor), matrix / factor, shift / factor
    return part.transform(
        (size, size),
        Image.Transform.AFFINE,
        (*matrix[0], shift[0], *matrix[1], shift[1]),
        Image.Resampling.BICUBIC,
    )


def _similarity(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation, scale and shift that bring points (K, 2) closest to others.

    Least squares without reflection (Umeyama 1991, eq 40-42).

    Returns:
        ``matrix`` (2, 2) and ``shift`` (2,) with ``target ~ source @ matrix.T + shift``.
    """
    source_mean, target_mean = source.mean(0), target.mean(0)
    x, y = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(y.T @ x)
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = (singular * signs).sum() / np.square(x).sum()
    matrix = scale * (u * signs) @ vt
    return matrix, target_mean - matrix @ source_mean
