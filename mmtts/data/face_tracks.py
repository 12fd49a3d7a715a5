"""Face tracks: the stretches of a video in which one face, and one alone, is seen throughout.

Faces are found in a few pictures a second and linked by how far they overlap, within shots whose
boundaries are jumps of the colors, as in the making of LRS3 (Afouras et al., arXiv 1809.00496).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmtts import InputError
from mmtts.data.faces import FaceCropper, Faces
from mmtts.data.stills import Still, StillChooser
from mmtts.data.video import Video

# Total variation of the colors in the quarters of two pictures. Of 200 faces of different videos
# (speech2face) 95 % of the pairs are further apart than 0.41; the same picture moved or scaled by a
# tenth is at most 0.26 away from itself.
_CUT = 0.4
_THUMBNAIL = 32


@dataclass(frozen=True)
class Tracking:
    """How faces are followed.

    Attributes:
        rate: Pictures per second in which faces are looked for.
        overlap: Least intersection over union of a face in two pictures, one after the other.
        gap: Seconds for which the face may be lost.
        min_seconds: Shorter tracks are left out.
        max_seconds: Longer ones are cut.
        stills: Portraits of a track, at most.
    """

    rate: float = 5.0
    overlap: float = 0.3
    gap: float = 0.5
    min_seconds: float = 1.0
    max_seconds: float = 15.0
    stills: int = 5

    @property
    def reach(self) -> float:
        """Seconds between two pictures that a face may be linked over."""
        return self.gap + 1.0 / self.rate


@dataclass(eq=False)
class Track:
    """One face for some seconds.

    Attributes:
        start: In seconds of the video.
        end: Likewise.
        first: (4,), the box where the face is seen first: left, top, right, bottom in pixels.
        last: (4,), the box where it is seen last.
        size: Width and height of the picture.
        stills: The best portraits, in order of time.
        whole: Whether the face is seen from the beginning to the end of what was looked through.
    """

    start: float
    end: float
    first: np.ndarray
    last: np.ndarray
    size: tuple[int, int]
    stills: list[Still] = field(default_factory=list)
    whole: bool = False

    def starts_near(self, center: tuple[float, float]) -> bool:
        """Whether a point (shares of width and height) is within a face's width of the face."""
        middle = (self.first[:2] + self.first[2:]) / 2
        distance = np.hypot(*(middle - np.multiply(center, self.size)))
        return bool(distance <= self.first[2] - self.first[0])


class Sight(NamedTuple):
    """What is seen in one picture.

    Attributes:
        seconds: When.
        image: RGB.
        faces: Those that are large enough, the largest first.
        after_cut: Whether another shot has begun since the picture before.
    """

    seconds: float
    image: Image.Image
    faces: Faces
    after_cut: bool

    @property
    def n_faces(self) -> int:
        """How many faces are not merely in the background."""
        return self.faces.n_prominent


def find_tracks(
    video: Video,
    cropper: FaceCropper,
    tracking: Tracking,
    span: tuple[float, float] | None = None,
    center: tuple[float, float] | None = None,
) -> Iterator[Track]:
    """Find the tracks in the order in which they end; at most one picture is kept at a time.

    Args:
        video: Has pictures.
        cropper: Finds faces and cuts them out; narrower ones than its `min_pixels` are not seen.
        tracking: How faces are followed.
        span: Where to look, in seconds.
        center: Who speaks has the center of the face there at first, as shares of width and height;
            tracks that begin further away than a face is wide are left out.

    Raises:
        InputError: The video is damaged, or there is no track in it; the sentence says why.
    """
    seen: Counter[str] = Counter()
    n_found = 0
    sights = _look(video, cropper, tracking, span, seen)
    for track in _follow(sights, StillChooser(cropper, tracking.stills), video, tracking, span):
        if track.end - track.start < tracking.min_seconds:
            seen["short"] += 1
        elif center is not None and not track.starts_near(center):
            seen["elsewhere"] += 1
        elif not track.stills:
            seen["turned"] += 1
        else:
            n_found += 1
            yield track
    if not n_found:
        raise InputError(f"{video.path} {_reason(seen, tracking)}.")


def _reason(seen: Counter[str], tracking: Tracking) -> str:
    """Say why there is no track, in words that continue the name of the video."""
    if not seen["pictures"]:
        return "shows nothing in these seconds"
    if seen["without"] == seen["pictures"]:
        return "shows no face"
    if seen["elsewhere"]:
        return "shows another face than that of who speaks"
    if seen["turned"]:
        return "shows no face from the front"
    if seen["several"] > seen["pictures"] // 2:
        return "shows several faces at a time"
    return f"shows no single face for {tracking.min_seconds:g} s"


def _look(
    video: Video,
    cropper: FaceCropper,
    tracking: Tracking,
    span: tuple[float, float] | None,
    seen: Counter[str],
) -> Iterator[Sight]:
    """Find the faces in some pictures a second; count what was seen."""
    before: np.ndarray | None = None
    for seconds, image in video.pictures(tracking.rate, span):
        faces = cropper.find(image)
        large = faces.widths >= cropper.min_pixels
        faces = Faces(faces.boxes[large], faces.landmarks[large], faces.sure[large])
        colors = color_histogram(image)
        after_cut = before is not None and bool(np.abs(colors - before).sum() / 2 > _CUT)
        before = colors
        sight = Sight(seconds, image, faces, after_cut)
        seen["pictures"] += 1
        seen["without"] += sight.n_faces == 0
        seen["several"] += sight.n_faces > 1
        yield sight


def _follow(
    sights: Iterator[Sight],
    chooser: StillChooser,
    video: Video,
    tracking: Tracking,
    span: tuple[float, float] | None,
) -> Iterator[Track]:
    """Link the faces of pictures, one after the other, into tracks."""
    begin = span[0] if span else 0.0
    longest = even_length(video, tracking.max_seconds, span)
    track: Track | None = None
    free: float | None = begin  # from where on nothing speaks against the face that comes next
    for sight in sights:
        if track is not None and not _continues(track, sight, tracking, longest):
            full = sight.seconds - track.start >= longest and not sight.after_cut
            track.stills = chooser.finish(track.start, track.end)
            yield track
            free, track = (track.end if full else None), None
        if sight.after_cut or sight.n_faces > 1:
            free = None
        if sight.n_faces == 1:
            box = sight.faces.boxes[0]
            if track is None:
                start = sight.seconds
                if free is not None and start - free <= tracking.reach:
                    start = free
                track = Track(start, sight.seconds, box, box, sight.image.size)
            chooser.add(sight.seconds, sight.image, sight.faces)
            track.end, track.last = sight.seconds, box
    if track is not None:
        end = min(video.reached, span[1]) if span else video.reached
        track.end = end if end - track.end <= tracking.reach else track.end
        track.whole = track.start <= begin and track.end >= end
        track.stills = chooser.finish(track.start, track.end)
        yield track


def _continues(track: Track, sight: Sight, tracking: Tracking, longest: float) -> bool:
    """Whether a picture does not end a track."""
    if sight.after_cut or sight.n_faces > 1 or sight.seconds - track.start >= longest:
        return False
    if sight.seconds - track.end > tracking.reach + 1e-3:
        return False
    return not sight.n_faces or overlap(track.last, sight.faces.boxes[0]) >= tracking.overlap


def even_length(video: Video, longest: float, span: tuple[float, float] | None = None) -> float:
    """Seconds of equal parts, the fewest that are no longer than `longest`.

    Args:
        video: Of which the parts are.
        longest: In seconds.
        span: From where to where; None for all of it.

    Returns:
        `longest` where nobody knows how long the video is.
    """
    begin, end = span or (0.0, video.seconds or math.inf)
    seconds = min(end, video.seconds or math.inf) - begin
    if seconds <= 0 or not math.isfinite(seconds):
        return longest
    return seconds / math.ceil(seconds / longest)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (4,): left, top, right, bottom."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2])
    return float(shared / (areas - shared))


def color_histogram(image: Image.Image) -> np.ndarray:
    """Shares (256,) of 64 colors in each quarter of an RGB picture; they sum to 1."""
    small = image.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    colors = (np.asarray(small, np.int64) // 64) @ [16, 4, 1]
    half = np.arange(_THUMBNAIL) // (_THUMBNAIL // 2)
    quarter = 2 * half[:, None] + half
    return np.bincount((colors + 64 * quarter).ravel(), minlength=256) / _THUMBNAIL**2
