"""Cuts: clips are read as written, and a broken or dangerous manifest is refused."""

import gzip
import json

import numpy as np
import pytest
import soundfile

from mmtts import InputError
from mmtts.data.cuts import Clip, load_samples, played, read_clips


@pytest.fixture
def folder(tmp_path):
    """One clip: seconds 1 to 3 of a recording in stereo at 8 kHz."""
    from lhotse import AudioSource, CutSet, MonoCut, Recording, SupervisionSegment
    from lhotse.supervision import AlignmentItem

    (tmp_path / "speech").mkdir()
    ramp = np.linspace(0, 0.8, 4 * 8000)
    soundfile.write(tmp_path / "a.wav", np.stack([ramp, ramp], 1), 8000)
    cut = MonoCut(
        id="c",
        start=1.0,
        duration=2.0,
        channel=0,
        recording=Recording("a", [AudioSource("file", [0, 1], "a.wav")], 8000, 32000, 4.0),
        supervisions=[
            SupervisionSegment(
                "c", "a", 0.0, 2.0, text=" Hi. ", speaker="s",
                alignment={"word": [AlignmentItem("hi", 0.5, 0.25)]},
            )
        ],
    )  # fmt: skip
    CutSet.from_cuts([cut]).to_file(tmp_path / "speech" / "cuts_train.jsonl.gz")
    return tmp_path


def rewrite(folder, change):
    path = folder / "speech" / "cuts_train.jsonl.gz"
    cut = json.loads(gzip.decompress(path.read_bytes()))
    change(cut)
    path.write_bytes(gzip.compress(json.dumps(cut).encode() + b"\n"))


def test_a_clip_is_read_as_written(folder):
    (clip,) = read_clips(folder, "train")
    assert (clip.id, clip.speaker, clip.text, clip.seconds) == ("c", "s", "Hi.", 2.0)
    assert clip.words == ((0.5, 0.75),)
    assert clip.num_frames(16000, 256) == 126
    assert (clip.sample_rate, clip.num_samples(24000)) == (8000, 48000)


def test_samples_are_the_clip_within_the_recording(folder):
    (clip,) = read_clips(folder, "train")
    samples = load_samples(clip, 16000)
    assert len(samples) == 32000
    np.testing.assert_allclose(samples[100:-100], np.linspace(0.2, 0.6, 32000)[100:-100], atol=1e-3)
    part = load_samples(clip, 16000, first=16000, count=8000)
    np.testing.assert_allclose(part[100:-100], samples[16100:23900], atol=1e-3)


@pytest.mark.parametrize("rate", [8000, 16000, 24000])
def test_a_tone_keeps_its_frequency_at_any_rate(folder, rate):
    soundfile.write(folder / "a.wav", np.sin(2 * np.pi * 1000 * np.arange(32000) / 8000), 8000)
    (clip,) = read_clips(folder, "train")
    samples = load_samples(clip, rate)
    assert len(samples) == 2 * rate
    assert np.abs(np.fft.rfft(samples)).argmax() == 2000  # bins of half a hertz


@pytest.mark.parametrize("split", ["valid", "../speech/cuts_train"])
def test_a_missing_split_is_named(folder, split):
    with pytest.raises(InputError, match="does not exist"):
        read_clips(folder, split)


def test_a_broken_manifest_is_named(folder):
    (folder / "speech" / "cuts_train.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cuts_train"):
        read_clips(folder, "train")


def test_a_command_is_never_run(folder):
    source = {"type": "command", "channels": [0], "source": f"touch {folder}/ran"}
    rewrite(folder, lambda cut: cut["recording"].update(sources=[source]))
    with pytest.raises(InputError, match="plain recording"):
        read_clips(folder, "train")
    assert not (folder / "ran").exists()


def test_a_clip_needs_a_speaker(folder):
    rewrite(folder, lambda cut: cut["supervisions"][0].pop("speaker"))
    with pytest.raises(InputError, match="speaker"):
        read_clips(folder, "train")


def test_broken_audio_is_named(folder):
    (clip,) = read_clips(folder, "train")
    soundfile.write(folder / "a.wav", np.zeros(9000), 8000)
    with pytest.raises(InputError, match=r"is .* s shorter"):
        load_samples(clip, 16000)
    (folder / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match="'c' cannot be decoded"):
        load_samples(clip, 16000)
    (folder / "a.wav").unlink()
    with pytest.raises(InputError, match="'c' cannot be decoded"):
        load_samples(clip, 16000)
    soundfile.write(folder / "a.wav", np.full(32000, np.nan), 8000, subtype="FLOAT")
    with pytest.raises(InputError, match="not finite"):
        load_samples(clip, 16000)


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_a_clip_played_faster_is_shorter_and_higher(tmp_path, speed):
    time = np.arange(24000) / 24000
    tone = np.where(time < 0.5, np.sin(2 * np.pi * 400 * time), 0.0)
    soundfile.write(tmp_path / "a.wav", 0.5 * tone, 24000)
    words = ((0.1, 0.5), (0.6, 0.9))
    clip = Clip("c", "s", "Hi.", 0.9, 24000, words, tmp_path / "a.wav", 0.1, "native")
    fast = played(clip, speed)
    assert (fast.id, fast.speaker, fast.accent) == (f"c@{speed}", f"s@{speed}", "native")
    assert fast.seconds == pytest.approx(0.9 / speed)
    np.testing.assert_allclose(np.array(fast.words) * speed, words)
    samples = load_samples(fast, 16000)
    assert len(samples) == round(0.9 / speed * 16000)
    ends = np.flatnonzero(np.abs(samples) > 0.05).max() / 16000
    assert ends == pytest.approx(0.4 / speed, abs=0.005)
    part = samples[: int(0.3 / speed * 16000)]
    loudest = np.fft.rfftfreq(len(part), 1 / 16000)[np.abs(np.fft.rfft(part)).argmax()]
    assert loudest == pytest.approx(400 * speed, abs=5)
    middle = load_samples(fast, 16000, first=2000, count=1000)
    np.testing.assert_allclose(middle[50:-50], samples[2050:2950], atol=2e-3)
