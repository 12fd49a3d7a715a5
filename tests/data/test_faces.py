"""Faces: a face is found, turned upright and centered; anything else is one clear sentence."""

import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmtts import InputError
from mmtts.data.faces import CROP_SIZE, FaceCropper, align_face, image_to_tensor
from mmtts.data.pictures import load_image

skimage_data = pytest.importorskip("skimage.data")
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def cropper():
    return FaceCropper()


@pytest.fixture(scope="module")
def astronaut():
    return skimage_data.astronaut()


@pytest.fixture(scope="module")
def expected(cropper, astronaut):
    return np.asarray(cropper.crop(astronaut), float)


def likeness(one, two):
    """Correlation of two pictures, 1 for equal ones."""
    return np.corrcoef(np.asarray(one, float).mean(2).ravel(), two.mean(2).ravel())[0, 1]


def test_a_face_is_centered(cropper, astronaut):
    crop = cropper.crop(astronaut)
    assert crop.size == (CROP_SIZE, CROP_SIZE) and crop.mode == "RGB"
    found = cropper.find(crop).landmarks[0] * 120 / CROP_SIZE - [4, 0]
    expected = [[38.3, 51.7], [73.5, 51.5], [41.5, 92.4], [70.7, 92.2]]
    # Nobody's face is the template: the fit leaves a few pixels.
    assert np.abs(found[[0, 1, 3, 4]] - expected).max() < 8
    assert np.abs(found.mean(0) - [56.0, 71.9]).max() < 2


@pytest.mark.parametrize("size", [64, 160])
def test_the_crop_has_the_size_wanted(cropper, astronaut, expected, size):
    crop = cropper.crop(astronaut, size)
    assert crop.size == (size, size)
    assert likeness(crop.resize((CROP_SIZE, CROP_SIZE)), expected) > 0.97


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_tilted_head_is_turned_upright(cropper, astronaut, expected, degrees):
    tilted = Image.fromarray(astronaut).rotate(degrees, Image.Resampling.BICUBIC)
    assert likeness(cropper.crop(tilted), expected) > 0.9


@pytest.mark.parametrize("scale", [0.6, 4])
def test_large_and_small_pictures_give_the_same_crop(cropper, astronaut, expected, scale):
    image = Image.fromarray(astronaut)
    resized = image.resize([round(scale * s) for s in image.size], Image.Resampling.BICUBIC)
    assert likeness(cropper.crop(resized), expected) > 0.95


def test_a_face_that_fills_the_picture_is_found(cropper, expected):
    again = cropper.crop(Image.fromarray(expected.astype(np.uint8)))
    assert likeness(again, expected) > 0.9


def test_exif_orientation_is_respected(cropper, astronaut, expected, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to view
    turned = Image.fromarray(np.rot90(astronaut).copy())
    turned.save(tmp_path / "a.jpg", exif=exif, quality=95)
    assert likeness(cropper.crop(tmp_path / "a.jpg"), expected) > 0.97


def test_grey_transparent_palette_and_16_bit_pictures(cropper, astronaut, expected, tmp_path):
    grey = astronaut.mean(2).astype(np.uint8)
    alpha = np.dstack([astronaut, np.full(grey.shape, 255, np.uint8)])
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(astronaut).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    for picture in (grey, alpha, tmp_path / "deep.png", str(tmp_path / "p.png")):
        crop = cropper.crop(picture)
        assert crop.mode == "RGB"
        assert likeness(crop, expected) > 0.95


def test_transparent_parts_are_gray():
    assert np.unique(np.asarray(load_image(np.zeros((4, 4, 4), np.uint8)))).tolist() == [128]


@pytest.mark.parametrize("picture", ["coffee", "noise", "flat", "tiny"])
def test_a_picture_without_a_face_is_refused(cropper, picture):
    pixels = {
        "coffee": skimage_data.coffee,
        "noise": lambda: np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8),
        "flat": lambda: np.full((64, 300, 3), 200, np.uint8),
        "tiny": lambda: np.zeros((1, 1, 3), np.uint8),
    }[picture]()
    with pytest.raises(InputError, match="no face"):
        cropper.crop(pixels)


def test_several_faces_are_refused_unless_the_largest_is_wanted(cropper, astronaut, expected):
    two = np.concatenate([astronaut, astronaut], 1)
    with pytest.raises(InputError, match="2 faces"):
        cropper.crop(two)
    assert likeness(cropper.crop(two, largest=True), expected) > 0.9


def test_a_small_face_in_the_background_does_not_matter(cropper, astronaut, expected):
    small = np.asarray(Image.fromarray(astronaut).resize((200, 200)))
    scene = np.full((512, 712, 3), 128, np.uint8)
    scene[:, :512], scene[:200, 512:] = astronaut, small
    assert likeness(cropper.crop(scene), expected) > 0.95


def test_a_tiny_face_is_refused(cropper, astronaut):
    small = Image.fromarray(astronaut).resize((220, 220))
    with pytest.raises(InputError, match="pixels wide"):
        cropper.crop(small)


def test_files_that_are_no_pictures_are_refused(cropper, astronaut, tmp_path):
    Image.fromarray(astronaut).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:9000])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    (tmp_path / "program.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "folder.png").mkdir()
    for path in [*tmp_path.iterdir(), tmp_path / "missing.png"]:
        with pytest.raises(InputError, match=path.name):
            cropper.crop(path)


def test_a_decompression_bomb_is_refused_unopened(tmp_path):
    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    for side in (9000, 60000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
        with pytest.raises(InputError, match="pixels"):
            load_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2), (0, 4, 3), (2, 4, 4, 3)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="uint8"):
        load_image(np.zeros(shape, np.uint8))
    with pytest.raises(InputError, match="uint8"):
        load_image(np.zeros((4, 4, 3), np.float32))


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM"])
)
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_a_picture_or_one_sentence(tmp_path_factory, content, magic):
    path = tmp_path_factory.mktemp("bytes") / "a.png"
    path.write_bytes(magic + content)
    try:
        assert load_image(path).mode == "RGB"
    except InputError:
        return


@given(st.floats(-3, 3), st.floats(0.5, 3), st.floats(100, 200), st.floats(100, 200))
@settings(max_examples=10, deadline=None)
def test_alignment_undoes_any_similarity(angle, scale, x, y):
    template = np.array([[42.3, 51.7], [77.5, 51.5], [60.0, 71.7], [45.5, 92.4], [74.7, 92.2]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (1.55 * template - 93) @ turn.T * scale + [x, y]  # in a crop of 186 = 1.55 * 120
    # Each pixel of the picture is painted with the place in the crop where it should land, six
    # steps of the color a pixel, since a picture is cut out in whole steps.
    centers = np.mgrid[:300, :300][::-1].transpose(1, 2, 0) + 0.5
    colors = np.zeros((300, 300, 3), np.uint8)
    places = (centers - [x, y]) @ turn / scale + 93
    colors[:, :, :2] = np.clip(np.rint(6 * (places - 70)), 0, 255)
    crop = np.asarray(align_face(Image.fromarray(colors), landmarks), float)[77:109, 77:109, :2]
    crop = crop / 6 + 70
    expected = np.mgrid[77:109, 77:109][::-1].transpose(1, 2, 0) + 0.5
    assert np.abs(crop - expected).mean() < 0.7


def test_beyond_the_edge_the_picture_goes_on():
    pixels = np.full((100, 100, 3), (200, 0, 0), np.uint8)
    landmarks = np.array([[0, 0], [30, 0], [15, 20], [2, 35], [28, 35]], float)
    crop = np.asarray(align_face(Image.fromarray(pixels), landmarks))
    assert (crop == (200, 0, 0)).all()


def test_tensor_is_channel_first_between_minus_one_and_one():
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 1] = (255, 0, 51)
    tensor = image_to_tensor(Image.fromarray(pixels))
    assert tensor.shape == (3, 2, 3)
    assert tensor[:, 0, 1].tolist() == pytest.approx([1.0, -1.0, -0.6])
