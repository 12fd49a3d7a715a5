"""Video files: pictures at a low rate, and the sound of some seconds, in bounded memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from PIL import Image

from mmtts import InputError
from mmtts.data.pictures import MAX_PIXELS

# Containers of pictures and sound alone: a playlist would make FFmpeg open what it names.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,flv,aac,wav,flac,ogg,mp3"
_ABRUPT = 0.5  # seconds that may be missing at the end of a file
_PREROLL = 0.2  # seconds that decoders of sound need to settle
_DRIFT = 0.05  # seconds by which time stamps of sound may wander before silence is filled in


class Video:
    """An open file of moving pictures, sound or both; times are in seconds from its beginning.

    Only one of its methods may be at work at a time: open the file twice to read both at once.

    Args:
        path: The file.

    Attributes:
        has_picture: Whether there are moving pictures (the cover of a song is none).
        has_sound: Whether there is sound.
        seconds: Length that the file states; None when it states none.
        reached: Where the last picture that was decoded ends.

    Raises:
        InputError: The file is missing, damaged, of another kind, or its pictures are too large; or
            PyAV is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            import av
        except ImportError as error:
            raise InputError(f"videos need PyAV: {error}; pip install 'mmtts[cluster]'") from error
        self._av: Any = av
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"{path} does not exist or is no file: give the path of a video.")
        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
        with self._faults():
            self._container: Any = av.open(
                f"file:{self.path}", container_options=options, metadata_errors="replace"
            )
        self._zero = (self._container.start_time or 0) / av.time_base
        cover = av.stream.Disposition.attached_pic
        videos = [s for s in self._container.streams.video if not s.disposition & cover]
        self._video: Any = videos[0] if videos else None
        self._audio: Any = next(iter(self._container.streams.audio), None)
        self.has_picture, self.has_sound = self._video is not None, self._audio is not None
        self.seconds = self._stated_seconds()
        self.reached = 0.0
        for stream in (self._video, self._audio):
            if stream is not None:  # many files are read at a time, in a process each
                stream.codec_context.thread_count = 1

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    def pictures(
        self, rate: float, span: tuple[float, float] | None = None
    ) -> Iterator[tuple[float, Image.Image]]:
        """Decode one picture after the other; `reached` goes along.

        Args:
            rate: Pictures per second, at most; those between are decoded and dropped.
            span: From where to where, in seconds.

        Yields:
            When a picture is shown, and the picture, RGB.

        Raises:
            InputError: The file is damaged, or ends long before it says it does.
        """
        width, height = self._video.width, self._video.height
        if width * height > MAX_PIXELS:
            raise InputError(f"{self.path} has pictures of {width} x {height} pixels: shrink them.")
        begin, end = span or (0.0, math.inf)
        n_due = 0
        with self._faults():
            for seconds, frame in self._frames(self._video, begin):
                if seconds >= end:
                    return
                self.reached = seconds + float(frame.duration or 0) * frame.time_base
                if seconds < begin + n_due / rate - 1e-3:
                    continue
                n_due = math.floor((seconds - begin) * rate + 1e-2) + 1
                yield seconds, frame.to_image()
        stated = min(end, self.seconds or 0.0)
        if stated > begin and self.reached < stated - _ABRUPT:
            raise InputError(
                f"{self.path} is cut short: it breaks off after {self.reached:.1f} s, before "
                f"{stated:.1f} s; get it again."
            )

    def sound(self, begin: float, end: float, sample_rate: int) -> np.ndarray:
        """Decode, mix down to mono and resample what is heard from `begin` to `end`.

        Returns:
            float32 (N,), N the nearest to `sample_rate * (end - begin)`, less where the sound ends
            up to half a second earlier.

        Raises:
            InputError: The file is damaged, or has no sound there.
        """
        samples = np.zeros(round(sample_rate * (end - begin)), np.float32)
        place: int | None = None
        filled = 0
        for seconds, part in self._resampled(begin, end, sample_rate):
            due = round(sample_rate * (seconds - begin))
            if place is None or abs(due - place) > _DRIFT * sample_rate:
                place = due
            inside = part[max(0, -place) : max(0, len(samples) - place)]
            first = max(0, place)
            samples[first : first + len(inside)] = inside
            place += len(part)
            filled = min(place, len(samples))
        if filled < len(samples) - _ABRUPT * sample_rate:
            raise InputError(
                f"{self.path} has no sound from {begin + max(0, filled) / sample_rate:.1f} to "
                f"{end:.1f} s: its picture goes on alone."
            )
        return samples[:filled]

    def _resampled(
        self, begin: float, end: float, sample_rate: int
    ) -> Iterator[tuple[float, np.ndarray]]:
        """Yield mono float32 (N,) and its second, from before `begin` to after `end`."""
        # FFmpeg's own mixing down makes what is equal in both channels louder, and clips it.
        resampler = self._av.AudioResampler("fltp", None, sample_rate)
        with self._faults():
            for seconds, frame in self._frames(self._audio, max(0.0, begin - _PREROLL)):
                if seconds >= end + _PREROLL:
                    break
                for part in resampler.resample(frame):
                    yield part.time - self._zero, part.to_ndarray().mean(axis=0)
            for part in resampler.resample(None):
                yield part.time - self._zero, part.to_ndarray().mean(axis=0)

    def _frames(self, stream: Any, begin: float) -> Iterator[tuple[float, Any]]:
        """Decode from the last place before `begin` that can be decoded alone."""
        self._container.seek(int((begin + self._zero) / stream.time_base), stream=stream)
        for frame in self._container.decode(stream):
            if frame.pts is not None and (seconds := frame.time - self._zero) >= begin - 1e-3:
                yield seconds, frame

    def _stated_seconds(self) -> float | None:
        stream = self._video or self._audio
        if stream is not None and stream.duration is not None:
            return float(stream.duration * stream.time_base)
        stated = self._container.duration
        return None if stated is None else stated / self._av.time_base

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (self._av.FFmpegError, ValueError, MemoryError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{self.path} is no video or sound that can be read: "
                f"{getattr(error, 'strerror', None) or error}."
            ) from error
