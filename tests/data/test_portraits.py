"""Portraits out of videos and pictures: the face that is meant, or a sentence that says why not."""

import io
import tarfile

import numpy as np
import pytest
from moving_pictures import SIDE, make_video, plain, tone
from PIL import Image

from mmtts import InputError
from mmtts.data import portraits
from mmtts.data.corpora import Footage, Photo
from mmtts.data.face_tracks import Tracking
from mmtts.data.faces import CROP_SIZE, FaceCropper
from mmtts.data.portraits import portray_footage, portray_photo

skimage_data = pytest.importorskip("skimage.data")
FACE = (110, 0, 340, 230)  # of the astronaut's picture, around her head


@pytest.fixture(scope="module")
def cropper():
    return FaceCropper()


@pytest.fixture(scope="module")
def head():
    return Image.fromarray(skimage_data.astronaut()).crop(FACE)


@pytest.fixture(scope="module")
def expected(cropper, head):
    return np.asarray(cropper.crop(head), float)


def likeness(one, two):
    return np.corrcoef(np.asarray(one, float).ravel(), np.asarray(two, float).ravel())[0, 1]


def save(image, path, **facts):
    """A picture of a corpus."""
    image.save(path, quality=95)
    return Photo("some", "x", path, "some-x", **facts)


def cut(photo, folder, cropper):
    """The portrait of a picture."""
    (row,) = portray_photo(photo, folder, cropper)["portraits"]
    assert row["face"] == portraits.portrait_path("some-x", 0)
    assert (row["corpus"], row["id"], row["person"]) == ("some", "x-0", "some-x")
    with Image.open(folder / row["face"]) as crop:
        assert crop.size == (CROP_SIZE, CROP_SIZE)
        return crop.convert("RGB")


def test_a_face_alone_needs_no_box(head, expected, cropper, tmp_path):
    photo = save(head, tmp_path / "x.jpg", gender="female")
    assert likeness(cut(photo, tmp_path, cropper), expected) > 0.97
    (row,) = portray_photo(photo, tmp_path, cropper)["portraits"]
    assert row["gender"] == "female" and "clip" not in row


@pytest.fixture(scope="module")
def couple(head):
    """Her, and her mirrored on the right, and the boxes around both faces."""
    picture = Image.new("RGB", (600, 300), (90, 110, 130))
    picture.paste(head, (30, 40))
    picture.paste(head.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (340, 40))
    return picture, (100, 100, 190, 215), (410, 100, 500, 215)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("margin", [0, 60])
def test_of_several_faces_the_box_tells_which(couple, expected, cropper, tmp_path, right, margin):
    picture, *boxes = couple
    left, top, *rest = boxes[right]
    box = (left - margin, top - margin, rest[0] + margin, rest[1] + margin)
    crop = cut(save(picture, tmp_path / "x.png", box=box), tmp_path, cropper)
    wanted, other = expected, expected[:, ::-1]
    if right:
        wanted, other = other, wanted
    assert likeness(crop, wanted) > 0.9 > likeness(crop, other)


@pytest.mark.parametrize("bordered", [False, True])
def test_a_box_is_that_of_the_picture_before_it_was_scaled(
    couple, expected, cropper, tmp_path, bordered
):
    picture, _, box = couple
    scaled = picture.resize((480, 240), Image.Resampling.BICUBIC)
    if bordered:  # as img2dataset makes squares
        square = Image.new("RGB", (480, 480), (255, 255, 255))
        square.paste(scaled, (0, 120))
        scaled = square
    photo = save(scaled, tmp_path / "x.png", box=box, size=picture.size)
    assert likeness(cut(photo, tmp_path, cropper), expected[:, ::-1]) > 0.9


def test_pictures_lie_in_archives(head, expected, cropper, tmp_path):
    file = io.BytesIO()
    head.save(file, "JPEG", quality=95)
    with tarfile.open(tmp_path / "0.tar", "w") as tar:
        for name in ("a.jpg", "b.jpg"):
            info = tarfile.TarInfo(name)
            info.size = len(file.getvalue()) if name == "b.jpg" else 5
            tar.addfile(info, io.BytesIO(file.getvalue() if name == "b.jpg" else b"wrong"))
    with tarfile.open(tmp_path / "0.tar") as tar:
        wrong, right = ((member.offset_data, member.size) for member in tar)
    photo = Photo("some", "x", tmp_path / "0.tar", "some-x", at=right)
    assert likeness(cut(photo, tmp_path, cropper), expected) > 0.97
    with pytest.raises(InputError, match=r"^x of .*0.tar is no picture"):
        portray_photo(Photo("some", "x", photo.path, "some-x", at=wrong), tmp_path, cropper)


def refused(photo, folder, cropper, why):
    with pytest.raises(InputError, match=why):
        portray_photo(photo, folder, cropper)
    assert not (folder / "faces").exists()


def test_what_is_no_portrait_is_said_in_a_sentence(head, couple, cropper, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    refused(save(couple[0], path), tmp_path, cropper, "shows 2 faces")
    refused(save(couple[0], path, box=(0, 0, 60, 60)), tmp_path, cropper, "no face in its box")
    beyond = save(couple[0], path, box=(900, 900, 990, 999))
    refused(beyond, tmp_path, cropper, "no face in its box")
    refused(save(Image.new("RGB", (300, 300)), path), tmp_path, cropper, "shows no face")
    refused(save(head.resize((90, 90)), path), tmp_path, cropper, "only .* pixels wide")
    path.write_bytes(path.read_bytes()[:2000])
    refused(Photo("some", "x", path, "some-x"), tmp_path, cropper, "damaged")
    refused(Photo("some", "x", tmp_path / "no.jpg", "some-x"), tmp_path, cropper, "cannot read")
    with monkeypatch.context() as patch:
        patch.setattr(portraits, "face_quality", lambda image, faces: 0.0)
        refused(save(head, path), tmp_path, cropper, "no face from the front")


def test_hostile_sizes_are_not_decoded(cropper, tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    bomb = Photo("some", "x", tmp_path / "bomb.png", "some-x")
    refused(bomb, tmp_path, cropper, "pixels: make it smaller")
    with (tmp_path / "long.webp").open("wb") as file:
        file.truncate(portraits.LARGEST + 1)
    long = Photo("some", "x", tmp_path / "long.webp", "some-x")
    refused(long, tmp_path, cropper, "bytes: make it smaller")
    claims = Photo("some", "x", tmp_path / "bomb.png", "some-x", at=(0, 2**50))
    refused(claims, tmp_path, cropper, "bytes: make it smaller")


@pytest.fixture(scope="module")
def video(tmp_path_factory, head):
    """Her for three seconds, somebody's back for one, her again for two; nothing is heard."""
    pytest.importorskip("av")
    shown = head.resize((SIDE, SIDE))
    path = tmp_path_factory.mktemp("video") / "-lPQTvZIogI_1_0.mp4"
    return make_video(path, [(3, lambda _: shown), (1, plain((90, 90, 90))), (2, lambda _: shown)])


def test_a_silent_video_gives_portraits_of_all_of_it(video, expected, cropper, tmp_path):
    footage = Footage("celebv_text", video.stem, video, "celebv_text--lPQTvZIogI")
    rows = portray_footage(footage, tmp_path, cropper, Tracking(stills=4))["portraits"]
    assert [row["face"] for row in rows] == [
        portraits.portrait_path(f"celebv_text-{video.stem}", k) for k in range(4)
    ]
    assert {row["person"] for row in rows} == {"celebv_text--lPQTvZIogI"}
    for row in rows:
        with Image.open(tmp_path / row["face"]) as crop:
            assert likeness(crop, expected) > 0.9


def test_the_best_stills_of_all_tracks_are_taken(head, expected, cropper, tmp_path):
    """The first stretch is blurred; the second is sharp, and mirrored so that it is known."""
    pytest.importorskip("av")
    soft = head.resize((48, 48)).resize((SIDE, SIDE))
    sharp = head.resize((SIDE, SIDE)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scenes = [(2, lambda _: soft), (1, plain((90, 90, 90))), (2, lambda _: sharp)]
    path = make_video(tmp_path / "a_0_0.mp4", scenes)
    footage = Footage("celebv_text", "a_0_0", path, "celebv_text-a")
    (row,) = portray_footage(footage, tmp_path, cropper, Tracking(stills=1))["portraits"]
    with Image.open(tmp_path / row["face"]) as crop:
        assert likeness(crop, expected[:, ::-1]) > 0.9 > likeness(crop, expected)


def test_sound_alone_has_no_portrait(cropper, tmp_path):
    pytest.importorskip("av")
    path = make_video(tmp_path / "a_0_0.mp4", (), tone(1.0, 16_000, [(0, 1)]))
    footage = Footage("celebv_text", "a_0_0", path, "celebv_text-a")
    with pytest.raises(InputError, match="has no pictures"):
        portray_footage(footage, tmp_path, cropper, Tracking())
