"""Footage: a real face that moves and speaks becomes aligned crops and the sound of its seconds."""

import json
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from moving_pictures import SIDE, beep, make_video, plain, tone
from PIL import Image

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora import Footage
from mmtts.data.face_tracks import Tracking
from mmtts.data.faces import CROP_SIZE, FaceCropper
from mmtts.data.footage import extract, read_row

pytest.importorskip("av")
skimage_data = pytest.importorskip("skimage.data")
RATE = 16_000
SPARSE = Tracking(rate=2.5)  # looks at half as many pictures, for the sake of time


@pytest.fixture(scope="module")
def cropper():
    return FaceCropper()


@pytest.fixture(scope="module")
def person():
    """The astronaut, moving and coming closer."""
    face = Image.fromarray(skimage_data.astronaut())

    def paint(second):
        x, side = 110 + 12 * np.sin(second), 230 - 8 * second
        return face.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (x, 0, x + side, side))

    return paint


def twice(person):
    """Two people side by side."""

    def paint(second):
        half = person(second).resize((SIDE // 2, SIDE // 2)).crop((0, 0, SIDE // 2, SIDE // 2))
        image = Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
        image.paste(half, (0, 50))
        image.paste(half, (SIDE // 2, 50))
        return image

    return paint


def footage(path, **labels):
    return Footage("some", "clip", path, "some-ann", "female", **labels)


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def video(tmp_path_factory, person):
    """Three seconds of her, with a tone from 1.0 to 2.0, at the rates of YouTube."""
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    sound = tone(3.0, 44_100, [(1.0, 2.0)])
    return make_video(
        path, [(3.0, person)], sound, fps=Fraction(30000, 1001), rate=44_100, layout="stereo"
    )


@pytest.fixture(scope="module")
def extracted(video, cropper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("extracted")
    return extract(footage(video, text="I am here", split="dev"), folder, cropper), folder


def test_a_row_names_the_clip_and_its_portraits(extracted):
    row, folder = extracted
    assert json.loads(json.dumps(row)) == row
    assert row["clips"] == [
        {
            "corpus": "some",
            "id": "clip-0",
            "audio": "sound/some/some-ann/clip-0.flac",
            "speaker": "some-ann",
            "text": "I am here",
            "gender": "female",
            "split": "dev",
        }
    ]
    assert 3 <= len(row["portraits"]) <= 5
    assert row["portraits"][0] == {
        "corpus": "some",
        "id": "clip-0-0",
        "face": "faces/some/some-ann/clip-0-0.jpg",
        "person": "some-ann",
        "gender": "female",
        "clip": "clip-0",
    }
    named = {row["clips"][0]["audio"], *(portrait["face"] for portrait in row["portraits"])}
    assert set(files(folder)) == named


def test_the_crops_show_the_face_aligned(extracted, cropper):
    row, folder = extracted
    for portrait in row["portraits"]:
        with Image.open(folder / portrait["face"]) as image:
            crop = image.convert("RGB")
            assert (image.format, crop.size) == ("JPEG", (CROP_SIZE, CROP_SIZE))
        found = cropper.find(crop)
        assert found.n_prominent == 1
        eyes = found.landmarks[0][:2] * 120 / CROP_SIZE
        # Where alignment puts eyes; nobody's face is the template, so a few pixels are left.
        assert np.abs(eyes - [[42.3, 51.7], [77.5, 51.5]]).max() < 8


def test_the_sound_is_that_of_the_track(extracted):
    row, folder = extracted
    samples, rate = soundfile.read(folder / row["clips"][0]["audio"], dtype="float32")
    assert (samples.ndim, rate) == (1, RATE)
    assert len(samples) / RATE == pytest.approx(3.0, abs=0.05)
    assert beep(samples, RATE) == pytest.approx((1.0, 2.0), abs=0.005)


def test_rows_become_records(extracted):
    row, folder = extracted
    (clip,), portraits = read_row(row, folder)
    assert (clip.id, clip.speaker, clip.text, clip.gender) == (
        "clip-0",
        "some-ann",
        "I am here",
        "female",
    )
    assert clip.path.is_file() and all(portrait.path.is_file() for portrait in portraits)
    assert {(p.person, p.clip, p.gender) for p in portraits} == {("some-ann", "clip-0", "female")}
    assert len({p.id for p in portraits}) == len(portraits)


def test_once_more_gives_the_same(extracted, video, cropper):
    row, folder = extracted
    before = files(folder)
    again = extract(footage(video, text="I am here", split="dev"), folder, cropper)
    assert again == row and files(folder) == before


@pytest.mark.slow
def test_tracks_on_both_sides_of_a_cut_are_clips_of_their_own(tmp_path, person, cropper):
    """A hard cut to coffee, and back: the sound of the coffee is in neither."""
    coffee = Image.fromarray(skimage_data.coffee()).resize((SIDE, SIDE))
    scenes = [(2.0, person), (1.0, lambda second: coffee), (2.0, person)]
    sound = tone(5.0, RATE, [(0.5, 1.0), (2.2, 2.8), (3.5, 4.0)])
    path = make_video(tmp_path / "a.mp4", scenes, sound)
    row = extract(footage(path, text="unknown where"), tmp_path / "out", cropper)
    # Nobody knows which words are in which: text without times goes with the whole alone.
    assert [(c["id"], c["text"]) for c in row["clips"]] == [("clip-0", ""), ("clip-1", "")]
    starts = (0.0, 3.0)
    for clip, start, expected in zip(row["clips"], starts, [(0.5, 1.0), (3.5, 4.0)], strict=True):
        samples, _ = soundfile.read(tmp_path / "out" / clip["audio"], dtype="float32")
        assert np.add(beep(samples, RATE), start) == pytest.approx(expected, abs=0.005)
    assert {p["clip"] for p in row["portraits"]} == {"clip-0", "clip-1"}


def test_words_are_not_cut(tmp_path, person, cropper):
    """Of words with times those of the track are the text, and the sound ends where they end."""
    scenes = [(2.6, person), (1.0, plain((120, 160, 90)))]
    beeps = [(0.2, 0.8), (1.0, 1.6), (2.0, 3.0)]
    words = tuple(WordSpan(w, *t) for w, t in zip(("ONE", "TWO", "THREE"), beeps, strict=True))
    path = make_video(tmp_path / "a.mp4", scenes, tone(3.6, RATE, beeps))
    row = extract(
        footage(path, text="ONE TWO THREE", words=words), tmp_path / "out", cropper, SPARSE
    )
    (clip,) = row["clips"]
    assert clip["text"] == "ONE TWO"
    samples, _ = soundfile.read(tmp_path / "out" / clip["audio"], dtype="float32")
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.01)
    assert beep(samples, RATE) == pytest.approx((0.2, 1.6), abs=0.005)


def test_sound_alone_becomes_clips_without_portraits(tmp_path, cropper):
    path = make_video(tmp_path / "a.m4a", sound=tone(5.0, RATE, [(1.0, 2.0)]))
    row = extract(footage(path, text="so"), tmp_path / "one", cropper)
    assert [clip["text"] for clip in row["clips"]] == ["so"] and row["portraits"] == []
    samples, _ = soundfile.read(tmp_path / "one" / row["clips"][0]["audio"], dtype="float32")
    assert beep(samples, RATE) == pytest.approx((1.0, 2.0), abs=0.005)
    parts = extract(footage(path), tmp_path / "three", cropper, Tracking(max_seconds=2.0))
    lengths = [soundfile.info(tmp_path / "three" / c["audio"]).duration for c in parts["clips"]]
    assert len(lengths) == 3 and max(lengths) - min(lengths) < 0.1
    assert sum(lengths) == pytest.approx(5.0, abs=0.1)


def test_noise_is_suppressed_where_wanted(tmp_path, cropper):
    pytest.importorskip("pyrnnoise")
    hiss = 0.05 * np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32)
    path = make_video(tmp_path / "a.mkv", sound=hiss, sound_codec="pcm_s16le")
    levels = []
    for denoise in (False, True):
        row = extract(footage(path), tmp_path / str(denoise), cropper, denoise=denoise)
        samples, _ = soundfile.read(tmp_path / str(denoise) / row["clips"][0]["audio"])
        levels.append(np.sqrt(np.square(samples[RATE:]).mean()))
    assert levels[0] == pytest.approx(0.05, rel=0.05) and levels[1] < 0.5 * levels[0]


def unusable(folder, person, kind):
    sound = tone(2.0, RATE, [(0.5, 1.0)])
    path = folder / "bad.mp4"
    if kind == "silent film":
        return make_video(path, [(2.0, person)])
    if kind == "nobody":
        return make_video(path, [(2.0, plain((90, 120, 90)))], sound)
    if kind == "two people":
        return make_video(path, [(2.0, twice(person))], sound)
    if kind == "sound ends":
        return make_video(path, [(2.0, person)], sound[: RATE // 2])
    if kind == "cut short":
        make_video(path, [(4.0, person)], tone(4.0, RATE, []), options={"movflags": "faststart"})
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    elif kind == "no video":
        path.write_text("nothing that moves")
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("silent film", "has no sound"),
        ("nobody", "shows no face"),
        ("two people", "several faces"),
        ("sound ends", "has no sound from"),
        ("cut short", "cut short|cannot be read|can be read"),
        ("no video", "can be read"),
        ("missing", "does not exist"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_leaves_nothing(
    tmp_path, person, cropper, kind, reason
):
    path = unusable(tmp_path, person, kind)
    with pytest.raises(InputError, match=reason) as error:
        extract(footage(path), tmp_path / "out", cropper, SPARSE)
    assert "bad.mp4" in str(error.value) and "\n" not in str(error.value)
    assert files(tmp_path / "out") == {}
