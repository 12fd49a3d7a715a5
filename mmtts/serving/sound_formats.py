"""Speech as the bytes of a file, piece by piece, while its end is not known yet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import soundfile

from mmtts import InputError
from mmtts.audio.resampling import resample
from mmtts.synthesis.provenance import COMMENT

PCM_RATE = 24000  # Hz, which clients of OpenAI's interface take for granted
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz, RFC 6716, section 2
OPEN_LENGTH = b"\xff\xff\xff\xff"


class _Container(NamedTuple):
    """What libsndfile and HTTP call a format."""

    container: str
    subtype: str
    media_type: str


_CONTAINERS = {
    "wav": _Container("WAV", "PCM_16", "audio/wav"),
    "flac": _Container("FLAC", "PCM_16", "audio/flac"),
    "mp3": _Container("MP3", "MPEG_LAYER_III", "audio/mpeg"),
    "opus": _Container("OGG", "OPUS", "audio/ogg"),
    "pcm": _Container("RAW", "PCM_16", "audio/pcm"),
}
FORMATS = tuple(_CONTAINERS)


def media_type(name: str) -> str:
    """Name the media type of a format of `FORMATS`."""
    return _CONTAINERS[name].media_type


class _Outlet:
    """A file for libsndfile whose bytes leave as they come.

    What libsndfile wants to correct in bytes that have left (the length in a header) is dropped.
    """

    def __init__(self) -> None:
        self._bytes, self._left, self._position = bytearray(), 0, 0

    def write(self, data: bytes) -> int:
        data = bytes(data)
        gone = max(0, self._left - self._position)
        if rest := data[gone:]:
            start = self._position + gone - self._left
            self._bytes[start : start + len(rest)] = rest
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = (0, self._position, self._left + len(self._bytes))[whence] + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def waiting(self) -> bytes:
        return bytes(self._bytes)

    def let_go(self) -> None:
        self._left += len(self._bytes)
        self._bytes = bytearray()


class SoundEncoder:
    """Turns samples into the bytes of one recording.

    Args:
        name: One of `FORMATS`. "pcm" is 16-bit little-endian mono at `PCM_RATE`.
        sample_rate: Of the samples, in Hz.
        whole: Give no byte before the end, so that headers tell the length. Otherwise bytes leave
            at once: a WAV header tells the largest length, an MP3 none. FLAC is always whole:
            without a length in it, libsndfile does not read it.
    """

    def __init__(self, name: str, sample_rate: int, whole: bool = False) -> None:
        self._name, self._from_rate = name, sample_rate
        self._whole = whole or name == "flac"
        container, subtype, _ = _CONTAINERS[name]
        fixed = name == "pcm" or (name == "opus" and sample_rate not in OPUS_RATES)
        self._rate = PCM_RATE if fixed else sample_rate
        self._outlet, self._begun = _Outlet(), False
        endian = "LITTLE" if name == "pcm" else None
        try:
            self._file = soundfile.SoundFile(
                self._outlet,
                "w",
                self._rate,
                1,
                subtype,
                endian,
                container,
                # From a constant rate decoders conclude the length that an open MP3 does not tell.
                # The level is libsndfile's; at 16 and 24 kHz it means about 80 kbit/s.
                compression_level=0.5 if name == "mp3" else None,
                bitrate_mode="CONSTANT" if name == "mp3" else None,
            )
        except soundfile.SoundFileError as error:
            raise InputError(f"{name} cannot be written here: {error}; ask for wav") from error
        if name != "pcm":
            self._file.software, self._file.comment = "mmtts", COMMENT

    def write(self, samples: np.ndarray) -> bytes:
        """Encode samples float32 (N,); return what can leave, which may be nothing yet."""
        samples = resample(samples, self._from_rate, self._rate)
        self._file.write(np.clip(samples, -1.0, 1.0))
        return b"" if self._whole else self._release()

    def close(self) -> bytes:
        """End the recording; return the rest of its bytes."""
        self._file.close()
        if not self._whole:
            return self._release()
        return self._outlet.waiting()

    def _release(self) -> bytes:
        """Let go of the bytes that are there."""
        data = self._outlet.waiting()
        if not self._begun:
            begins = {"wav": _open_wav_header, "mp3": _without_length_frame}.get(self._name)
            if begins and not (data := begins(data)):
                return b""
            self._begun = True
        self._outlet.let_go()
        return data


def _open_wav_header(data: bytes) -> bytes:
    """Say in a WAV header that the length is not known, as most programs understand it."""
    if not data:
        return b""
    start = data.index(b"data") + 4
    return data[:4] + OPEN_LENGTH + data[8:start] + OPEN_LENGTH + data[start + 4 :]


def _without_length_frame(data: bytes) -> bytes:
    """Drop the first frame of an MP3, in which the length would stand; b"" until it is whole.

    Left as it is before the end, it tells decoders to stop too early.
    """
    start = 0
    if data[:3] == b"ID3":  # https://id3.org/id3v2.4.0-structure, section 3.1: 4 times 7 bits
        start = 10 + sum(byte << 7 * place for place, byte in enumerate(reversed(data[6:10])))
    sync = data[start : start + 2]
    second = data.find(sync, start + 4) if len(sync) == 2 else -1
    return b"" if second < 0 else data[:start] + data[second:]
