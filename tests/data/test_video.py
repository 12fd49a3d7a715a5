"""Videos: pictures and sound of known seconds, in bounded memory; anything else is one sentence."""

import sys
from fractions import Fraction

import numpy as np
import pytest
from moving_pictures import beep, make_video, plain, tone
from PIL import Image

from mmtts import InputError
from mmtts.data.video import Video

pytest.importorskip("av")
RATE = 16_000


def clock(seconds):
    """A picture whose gray level tells the second: 50 more each."""
    return Image.new("RGB", (64, 64), (int(50 * seconds) % 256,) * 3)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_pictures_come_at_the_rate_wanted_from_their_seconds(tmp_path, fps, codec):
    path = make_video(tmp_path / "a.mp4", [(4.0, clock)], fps=fps, codec=codec)
    with Video(path) as video:
        assert (video.has_picture, video.has_sound) == (True, False)
        seen = list(video.pictures(5.0))
    seconds = [second for second, _ in seen]
    assert np.abs(np.subtract(seconds, np.arange(20) / 5)).max() < 0.5 / float(fps) + 1e-6
    for second, image in seen:
        assert abs(np.asarray(image).mean() - 50 * second) < 8
    assert video.reached == pytest.approx(4.0, abs=0.05)
    with Video(path) as video:
        seconds = [second for second, _ in video.pictures(5.0, (1.5, 2.5))]
        assert len(seconds) == 5 and seconds[0] >= 1.499 and seconds[-1] < 2.5


@pytest.mark.parametrize(
    ("ending", "sound_codec", "rate", "layout"),
    [
        ("mp4", "aac", 44_100, "stereo"),
        ("mp4", "aac", 16_000, "mono"),
        ("mov", "pcm_s16le", 48_000, "stereo"),
        ("mkv", "pcm_s16le", 22_050, "mono"),
    ],
)
def test_the_sound_is_that_of_the_seconds(tmp_path, ending, sound_codec, rate, layout):
    path = make_video(
        tmp_path / f"a.{ending}",
        [(5.0, clock)],
        tone(5.0, rate, [(2.0, 3.0)]),
        rate=rate,
        sound_codec=sound_codec,
        layout=layout,
    )
    with Video(path) as video:
        for begin, end in ((0.0, 5.0), (1.3, 4.1), (1.9, 3.3)):
            samples = video.sound(begin, end, RATE)
            assert samples.dtype == np.float32 and abs(len(samples) - RATE * (end - begin)) <= 1
            first, last = beep(samples, RATE)
            assert begin + first == pytest.approx(2.0, abs=0.002)
            assert begin + last == pytest.approx(3.0, abs=0.002)
            middle = samples[round((2.1 - begin) * RATE) : round((2.9 - begin) * RATE)]
            # A tone of 0.5 keeps its level and its pitch, in however many channels it was.
            assert np.sqrt(np.square(middle).mean()) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)
            spectrum = np.abs(np.fft.rfft(middle))
            assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(440, abs=2)


def test_sound_alone_has_no_pictures(tmp_path):
    path = make_video(tmp_path / "a.m4a", sound=tone(3.0, RATE, [(1.0, 2.0)]))
    with Video(path) as video:
        assert (video.has_picture, video.has_sound) == (False, True)
        assert video.seconds == pytest.approx(3.0, abs=0.1)
        assert beep(video.sound(0.0, 3.0, RATE), RATE) == pytest.approx((1.0, 2.0), abs=0.002)


def test_sound_that_ends_before_the_picture_is_refused(tmp_path):
    path = make_video(tmp_path / "a.mp4", [(4.0, clock)], tone(2.0, RATE, [(1.0, 2.0)]))
    with Video(path) as video:
        assert len(video.sound(1.0, 2.2, RATE)) > 0.9 * RATE
        with pytest.raises(InputError, match=r"a\.mp4 has no sound from 2\.\d to 4\.0 s"):
            video.sound(1.0, 4.0, RATE)


def test_only_the_span_is_decoded(tmp_path):
    """What lies long before or after the span may be damaged: nobody reads it."""
    sound = tone(40.0, RATE, [(30.5, 31.0)])
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3), np.uint8)
    path = make_video(tmp_path / "a.mp4", [(40.0, lambda s: Image.fromarray(noise[int(s)]))], sound)
    whole = path.read_bytes()
    bad = bytearray(whole)
    start, third = whole.index(b"mdat") + 4, len(whole) // 3
    bad[start : start + third] = bytes(third)
    path.write_bytes(bad)
    with pytest.raises(InputError, match=r"a\.mp4"), Video(path) as video:
        list(video.pictures(5.0))
    with Video(path) as video:
        assert len(list(video.pictures(5.0, (30.0, 32.0)))) == 10
        assert video.reached <= 32.0 + 0.04
        assert beep(video.sound(30.0, 32.0, RATE), RATE) == pytest.approx((0.5, 1.0), abs=0.005)


def test_videos_that_are_cut_short_are_refused(tmp_path):
    scenes, sound = [(6.0, clock)], tone(6.0, RATE, [(1.0, 2.0)])
    for name, options in (("end.mp4", {}), ("front.mp4", {"movflags": "faststart"}), ("c.mkv", {})):
        path = make_video(tmp_path / name, scenes, sound, options=options)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
        with pytest.raises(InputError, match=name), Video(path) as video:
            list(video.pictures(5.0))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(2000),
        b"no video, but a text",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{good}\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile 'good.mp4'\n",
    ],
)
def test_other_files_are_refused_and_playlists_not_followed(tmp_path, content):
    good = make_video(tmp_path / "good.mp4", [(1.0, clock)])
    path = tmp_path / "bad.mp4"
    path.write_bytes(content.replace(b"{good}", str(good).encode()))
    for other in (path, tmp_path, tmp_path / "missing.mp4"):
        with pytest.raises(InputError, match=other.name) as error:
            Video(other)
        assert "\n" not in str(error.value)


def test_a_name_is_a_file_and_never_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "pipe:0.mp4", [(1.0, plain((9, 9, 9)))])
    with Video("pipe:0.mp4") as video:
        assert video.seconds == pytest.approx(1.0, abs=0.05)


def test_without_pyav_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(InputError, match=r"pip install 'mmtts\[cluster\]'"):
        Video(tmp_path / "a.mp4")
