"""Whatever the format, what leaves piece by piece is a recording that others can read."""

import io

import numpy as np
import pytest
import soundfile

from mmtts.audio.resampling import resample
from mmtts.serving.sound_formats import FORMATS, PCM_RATE, SoundEncoder, media_type

RATE = 16000
PIECES = (0.05, 0.4, 2.3, 1.1)  # s


def hum(seconds: float, rate: int) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


def encode(name: str, rate: int, whole: bool) -> tuple[bytes, list[int]]:
    """A hum in pieces: the file, and how many bytes had left after each piece."""
    encoder, sound = SoundEncoder(name, rate, whole), hum(sum(PIECES), rate)
    data, left = b"", []
    for piece in np.split(sound, np.cumsum([round(s * rate) for s in PIECES])[:-1]):
        data += encoder.write(piece)
        left.append(len(data))
    return data + encoder.close(), left


def decode(name: str, data: bytes) -> tuple[np.ndarray, int]:
    if name == "pcm":
        return np.frombuffer(data, "<i2") / 2**15, PCM_RATE
    return soundfile.read(io.BytesIO(data))


@pytest.mark.parametrize("rate", [16000, 24000])
@pytest.mark.parametrize("whole", [False, True], ids=["open", "whole"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_sound_comes_back(name: str, whole: bool, rate: int) -> None:
    data, left = encode(name, rate, whole)
    assert not any(left) if whole or name == "flac" else left[2] > 100
    sound, decoded_rate = decode(name, data)
    assert decoded_rate == (PCM_RATE if name == "pcm" else rate)
    extra = len(sound) / decoded_rate - sum(PIECES)
    # The frames of an MP3 without a length hold the encoder's delay and its last padding.
    assert (0 <= extra < 0.15) if name == "mp3" and not whole else abs(extra) < 1e-3
    middle = sound[decoded_rate : 3 * decoded_rate]
    strength = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(strength) / 2 == pytest.approx(220, abs=0.5)
    # LAME takes 0.95 of the level where the rate is constant.
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.06)


def test_samples_of_lossless_formats_are_exact() -> None:
    sound = np.round(hum(sum(PIECES), RATE) * 2**15) / 2**15
    for name in ("wav", "flac"):
        for whole in (False, True):
            found, _ = decode(name, encode(name, RATE, whole)[0])
            assert np.abs(found - sound).max() <= 2**-15
    at_24 = resample(hum(0.05, RATE), RATE, PCM_RATE)
    found, _ = decode("pcm", encode("pcm", RATE, False)[0])
    assert np.abs(found[: len(at_24)] - at_24).max() <= 2**-15


def test_an_open_wav_tells_the_largest_length_and_what_it_is() -> None:
    data, _ = encode("wav", RATE, whole=False)
    assert data[:8] == b"RIFF\xff\xff\xff\xff" and b"data\xff\xff\xff\xff" in data[:200]
    assert b"mmtts synthetic speech" in data[:200]
    with soundfile.SoundFile(io.BytesIO(encode("wav", RATE, whole=True)[0])) as file:
        assert file.frames == round(sum(PIECES) * RATE)
        assert file.comment == "mmtts synthetic speech"


def test_opus_knows_five_rates_and_takes_others_too() -> None:
    data, _ = encode("opus", 22050, whole=True)
    sound, rate = decode("opus", data)
    assert rate == 24000 and len(sound) / rate == pytest.approx(sum(PIECES), abs=1e-3)


def test_media_types() -> None:
    assert [media_type(name) for name in FORMATS] == [
        "audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "audio/pcm"
    ]  # fmt: skip
