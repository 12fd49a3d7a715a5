"""Stills: sharp, large and frontal pictures, spread over the track."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from mmtts.data.faces import FaceCropper, Faces
from mmtts.data.stills import SLOT_SECONDS, StillChooser, face_quality, frontality, sharpness

skimage_data = pytest.importorskip("skimage.data")
# Eyes, nose and the corners of the mouth; the nose is midway both ways.
FRONT = np.array([[40, 40], [80, 40], [60, 60], [45, 80], [75, 80]], float)


def nose_at(x, y):
    landmarks = FRONT.copy()
    landmarks[2] = (x, y)
    return landmarks


@pytest.mark.parametrize(
    ("nose", "expected"),
    [((60, 60), 1.0), ((50, 60), 0.5), ((40, 60), 0.0), ((20, 60), 0.0), ((60, 50), 0.5)],
)
def test_frontality_is_where_the_nose_lies(nose, expected):
    assert frontality(nose_at(*nose)) == pytest.approx(expected)


def test_frontality_does_not_depend_on_tilt_and_size():
    turn = 3.0 * np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    assert frontality(nose_at(50, 60) @ turn.T) == pytest.approx(0.5)


@pytest.fixture(scope="module")
def face():
    return Image.fromarray(skimage_data.astronaut())


BOX = np.array([170.0, 60.0, 280.0, 190.0])  # of the astronaut's face


def faces(box=BOX, landmarks=FRONT, sure=1.0):
    return Faces(box[None], landmarks[None], np.array([sure]))


def test_blur_is_less_sharp_at_any_size(face):
    levels = [sharpness(face.filter(ImageFilter.GaussianBlur(r)), BOX) for r in (0, 1, 2, 4)]
    assert levels == sorted(levels, reverse=True) and levels[0] > 1.5 * levels[-1]
    flat = Image.new("RGB", (300, 300), (90, 90, 90))
    assert sharpness(flat, BOX) == 0.0
    # A face that reaches beyond the edge is measured where there is a picture.
    assert sharpness(face, np.array([-50.0, -50.0, 600.0, 600.0])) > 0


def test_quality_prefers_sharp_large_frontal_and_sure_faces(face):
    best = face_quality(face, faces())
    half = face.resize((256, 256), Image.Resampling.BICUBIC)
    blurred = face.filter(ImageFilter.GaussianBlur(3))
    assert 0 < best <= 1
    assert face_quality(half, faces(BOX / 2)) < best
    assert face_quality(blurred, faces()) < best
    assert face_quality(face, faces(landmarks=nose_at(52, 60))) < best
    assert face_quality(face, faces(sure=0.9)) == pytest.approx(0.9 * best)
    assert face_quality(face, faces(landmarks=nose_at(42, 60))) == 0.0


class Marker(FaceCropper):
    """Cuts out what it is given, so that a still tells which picture it came from."""

    def __init__(self):
        self.n_cut = 0

    def cut_out(self, image, faces, size=186):
        self.n_cut += 1
        return image


def test_the_best_of_each_part_of_the_track_is_taken(face):
    blurred = face.filter(ImageFilter.GaussianBlur(3))
    cropper = Marker()
    chooser = StillChooser(cropper, 5)
    sharp = {1.4, 3.8, 5.6, 7.4, 9.0}  # one in every two seconds
    for second in np.arange(0, 10, 0.2):
        picture = face if round(second, 1) in sharp else blurred
        chooser.add(round(second, 1), picture, faces())
    stills = chooser.finish(0.0, 10.0)
    assert {still.seconds for still in stills} == sharp
    assert all(still.crop is face for still in stills)
    # Aligning is dear: it is done once for every slot.
    assert cropper.n_cut <= 10 / SLOT_SECONDS + 1
    # The next track begins with nothing.
    assert chooser.finish(10.0, 11.0) == []


def test_short_tracks_give_fewer_and_profiles_none(face):
    chooser = StillChooser(Marker(), 5)
    for second in (0.0, 0.2, 0.4):
        chooser.add(second, face, faces())
    assert len(chooser.finish(0.0, 0.6)) == 1
    for second in np.arange(0, 3, 0.2):
        chooser.add(second, face, faces(landmarks=nose_at(41, 60)))
    assert chooser.finish(0.0, 3.0) == []
