"""Tracks: one face, alone and throughout; linked by a detector that sees painted squares."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_pictures import SIDE, make_video
from PIL import Image

from mmtts import InputError
from mmtts.data.face_tracks import Tracking, color_histogram, find_tracks, overlap
from mmtts.data.faces import FaceCropper, Faces
from mmtts.data.video import Video

pytest.importorskip("av")
INKS = ((255, 0, 0), (0, 0, 255))


class Squares(FaceCropper):
    """Sees a red and a blue square as frontal faces."""

    def __init__(self):
        self.min_pixels = 40

    def find(self, image):
        pixels = np.asarray(image, int)
        boxes = []
        for ink in INKS:
            rows, columns = np.nonzero(np.abs(pixels - ink).sum(-1) < 150)
            if len(rows) > 50:
                boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        order = sorted(boxes, key=lambda box: box[0] - box[2])
        box = np.array(order, float).reshape(-1, 4)
        places = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.7, 0.7]])
        sizes = box[:, 2:] - box[:, :2]
        landmarks = box[:, None, :2] + places * sizes[:, None]
        return Faces(box, landmarks, np.ones(len(box)))

    def cut_out(self, image, faces, size=186):
        return image.resize((size, size))


def scene(*places, side=60, ground=(120, 160, 90), noise=8):
    """Squares at places (or at `place(second)`), on a ground that no two pictures share exactly."""

    def paint(second):
        grain = np.random.default_rng(int(1000 * second)).integers(0, noise, (SIDE, SIDE, 1))
        pixels = (np.array(ground) + grain).astype(np.uint8)
        for place, ink in zip(places, INKS, strict=False):
            x, y = place(second) if callable(place) else place
            grain = np.random.default_rng(1).integers(0, 40, (side, side, 1))
            pixels[y : y + side, x : x + side] = np.clip(np.array(ink) - grain, 0, 255)
        return Image.fromarray(pixels)

    return paint


ONE, TWO, NOBODY = scene((80, 80)), scene((20, 80), (140, 80)), scene()


@pytest.fixture
def tracks(tmp_path):
    def find(*scenes, span=None, center=None, fps=Fraction(10), **tracking):
        path = make_video(tmp_path / "a.mp4", scenes, fps=fps)
        with Video(path) as video:
            return list(find_tracks(video, Squares(), Tracking(**tracking), span, center))

    return find


def spans(found):
    return [(round(track.start, 1), round(track.end, 1)) for track in found]


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_one_face_throughout_is_one_track(tracks, fps):
    (track,) = tracks((4.0, ONE), fps=fps)
    assert (track.start, track.whole) == (0.0, True)
    assert track.end == pytest.approx(4.0, abs=0.05)
    assert track.first == pytest.approx([80, 80, 140, 140], abs=3)
    assert 4 <= len(track.stills) <= 5
    seconds = [still.seconds for still in track.stills]
    parts = [int(5 * second / track.end) for second in seconds]
    assert parts == sorted(set(parts))  # one of each fifth of the track
    assert seconds[0] < 0.8 and seconds[-1] > 3.2


def test_a_moving_face_is_followed_and_a_jump_is_not(tracks):
    (track,) = tracks((4.0, scene(lambda s: (int(10 + 35 * s), 80))))
    assert track.last[0] - track.first[0] > 100
    apart = tracks((2.0, scene((10, 80))), (2.0, scene((150, 80))))
    assert spans(apart) == [(0.0, 1.8), (2.0, 4.0)]
    assert [track.whole for track in apart] == [False, False]


def test_a_face_may_be_lost_for_half_a_second(tracks):
    (track,) = tracks((2.0, ONE), (0.4, NOBODY), (2.0, ONE))
    assert (track.start, track.whole) == (0.0, True)
    apart = tracks((2.0, ONE), (1.0, NOBODY), (2.0, ONE))
    assert spans(apart) == [(0.0, 1.8), (3.0, 5.0)]


def test_at_the_edges_a_face_may_be_lost_too_but_not_longer(tracks):
    (track,) = tracks((0.4, NOBODY), (3.0, ONE), (0.4, NOBODY))
    assert (spans([track]), track.whole) == ([(0.0, 3.8)], True)
    (track,) = tracks((1.0, NOBODY), (3.0, ONE), (1.2, NOBODY))
    assert (spans([track]), track.whole) == ([(1.0, 3.8)], False)


def test_stretches_with_two_faces_are_left_out(tracks):
    apart = tracks((2.0, ONE), (1.0, TWO), (2.0, ONE))
    assert spans(apart) == [(0.0, 1.8), (3.0, 5.0)]
    assert spans(tracks((2.0, ONE), (0.2, TWO), (2.0, ONE))) == [(0.0, 1.8), (2.2, 4.2)]
    with pytest.raises(InputError, match=r"a\.mp4 shows several faces at a time"):
        tracks((3.0, TWO))


def test_a_small_face_behind_does_not_matter(tracks):
    def paint(second):
        image = ONE(second)
        image.paste((0, 0, 255), (180, 10, 204, 34))
        return image

    (track,) = tracks((3.0, paint))
    assert track.whole


def test_a_cut_ends_a_track_even_where_the_faces_overlap(tracks):
    other = scene((80, 80), ground=(30, 30, 30))
    assert spans(tracks((2.0, ONE), (2.0, other))) == [(0.0, 1.8), (2.0, 4.0)]
    # Nothing goes on over a cut to a picture without a face, as short as it is.
    apart = tracks((2.0, ONE), (0.2, scene(ground=(30, 30, 30))), (2.0, ONE))
    assert spans(apart) == [(0.0, 1.8), (2.2, 4.2)]


def test_no_sound_of_another_shot_goes_with_a_track(tracks):
    elsewhere = scene(ground=(30, 30, 30))
    (track,) = tracks((0.4, elsewhere), (3.0, ONE), (0.4, elsewhere))
    assert (spans([track]), track.whole) == ([(0.4, 3.2)], False)


def test_long_tracks_are_cut_into_equal_parts(tracks):
    apart = tracks((7.0, ONE), max_seconds=3.0)
    lengths = [track.end - track.start for track in apart]
    assert len(apart) == 3 and max(lengths) <= 3.0 and max(lengths) - min(lengths) < 0.5
    assert [track.whole for track in apart] == [False] * 3
    assert all(later.start == earlier.end for earlier, later in pairwise(apart))


def test_only_the_span_is_looked_through(tracks):
    (track,) = tracks((2.0, TWO), (4.0, ONE), (2.0, TWO), span=(2.5, 5.5))
    assert (track.start, track.end, track.whole) == (2.5, 5.5, True)


def test_who_speaks_has_the_center(tracks):
    left, right = scene((10, 80)), scene((150, 80))
    near = (40 / SIDE, 110 / SIDE)
    (track,) = tracks((2.0, left), (2.0, right), center=near)
    assert spans([track]) == [(0.0, 1.8)]
    assert len(tracks((2.0, left), (2.0, left), center=(0.3, 0.6))) == 1
    with pytest.raises(InputError, match="another face than that of who speaks"):
        tracks((3.0, left), center=(0.8, 0.5))


@pytest.mark.parametrize(
    ("scenes", "reason"),
    [
        ([(2.0, NOBODY)], "shows no face"),
        ([(2.0, scene((80, 80), side=30))], "shows no face"),  # too small
        ([(0.6, ONE), (2.0, NOBODY)], "shows no single face for 1 s"),
    ],
)
def test_without_a_track_the_reason_is_said(tracks, scenes, reason):
    with pytest.raises(InputError, match=rf"a\.mp4 {reason}"):
        tracks(*scenes)


def test_a_span_behind_the_end_shows_nothing(tracks):
    with pytest.raises(InputError, match="shows nothing in these seconds"):
        tracks((2.0, ONE), span=(7.0, 9.0))


def box(x, y, side):
    return np.array([x, y, x + side, y + side], float)


def test_overlap_by_hand():
    assert overlap(box(0, 0, 2), box(0, 0, 2)) == 1.0
    assert overlap(box(0, 0, 2), box(1, 0, 2)) == pytest.approx(2 / 6)
    assert overlap(box(0, 0, 2), box(2, 0, 2)) == 0.0


@given(*[st.floats(-50, 50)] * 4, st.floats(1, 50), st.floats(1, 50))
def test_overlap_is_symmetric_and_at_most_one(a, b, c, d, first, second):
    one, other = box(a, b, first), box(c, d, second)
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert 0.0 <= overlap(one, other) <= 1.0 + 1e-9


def test_color_histograms_are_shares_of_each_quarter():
    image = Image.new("RGB", (100, 60), (10, 10, 10))
    image.paste((250, 10, 10), (0, 0, 50, 30))
    shares = color_histogram(image)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[3 * 16] == 0.25 and shares[[64, 128, 192]].tolist() == [0.25] * 3
