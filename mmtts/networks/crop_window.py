"""What part of an aligned crop a face network looks at.

All networks are given the same crop. In units of which ArcFace's square has 112 (arXiv 1801.07698),
it is 120 wide: 4 more on the left and on the right, 8 more below, so that the chin is in it. Each
network looks at the square that it was trained on.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class Window(NamedTuple):
    """A square of the crop; all are shares of the crop's side."""

    left: float
    top: float
    side: float


ARCFACE_WINDOW = Window(4 / 120, 0.0, 112 / 120)
# dlib's chip of 150 pixels, where the five landmarks that MTCNN finds lie in the median.
DLIB_WINDOW = Window(15.4 / 120, 29.5 / 120, 90.3 / 120)


def look_at(images: Tensor, window: Window, size: int) -> Tensor:
    """Cut the window out of crops `(B, C, H, W)` and bring it to `(B, C, size, size)`."""
    side = images.shape[-1]
    left, top, width = (round(side * share) for share in window)
    part = images[..., top : top + width, left : left + width]
    if part.shape[-2:] == (size, size):
        return part
    return F.interpolate(part, (size, size), mode="bilinear", antialias=True, align_corners=False)
