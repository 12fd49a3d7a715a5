"""Small videos for tests: pictures one after the other, and tones at known seconds."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 224
Scene = Callable[[float], Image.Image]


def tone(
    seconds: float, rate: int, beeps: Sequence[tuple[float, float]], level: float = 0.5
) -> np.ndarray:
    """440 Hz (N,) from the first to the second of every pair of seconds, silence elsewhere."""
    time = np.arange(round(seconds * rate)) / rate
    on = np.any([(first <= time) & (time < last) for first, last in beeps], axis=0)
    return (level * np.sin(2 * np.pi * 440 * time) * on).astype(np.float32)


def beep(samples: np.ndarray, rate: int) -> tuple[float, float]:
    """From which to which second something is heard."""
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    return loud[0] / rate, (loud[-1] + 1) / rate


def make_video(
    path: Path,
    scenes: Sequence[tuple[float, Scene]] = (),
    sound: np.ndarray | None = None,
    *,
    fps: Fraction = Fraction(25),
    rate: int = 16_000,
    codec: str = "libx264",
    sound_codec: str = "aac",
    layout: str = "mono",
    options: dict[str, str] | None = None,
) -> Path:
    """Write scenes (seconds, second since it began -> picture) and float32 sound (N,)."""
    import av

    with av.open(str(path), "w", options=options or {}) as file:
        picture = voice = None
        if scenes:
            picture = file.add_stream(codec, rate=fps, options={"g": "25", "preset": "ultrafast"})
            picture.width, picture.height = scenes[0][1](0.0).size
            picture.pix_fmt = "yuv420p"
        if sound is not None:
            voice = file.add_stream(sound_codec, rate=rate, layout=layout)
        for seconds, scene in scenes:
            for number in range(round(seconds * fps)):
                file.mux(picture.encode(av.VideoFrame.from_image(scene(float(number / fps)))))
        if picture is not None:
            file.mux(picture.encode())
        if sound is not None:
            for part in _sound_frames(sound, rate, voice.format.name, layout):
                file.mux(voice.encode(part))
            file.mux(voice.encode())
    return path


def _sound_frames(sound: np.ndarray, rate: int, kind: str, layout: str):
    import av

    channels = {"mono": 1, "stereo": 2}[layout]
    for first in range(0, len(sound), 1024):
        part = sound[first : first + 1024]
        if kind == "fltp":
            values = np.repeat(part[None], channels, axis=0)
        else:
            values = np.repeat((part * 32767).astype(np.int16), channels)[None]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), kind, layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
        yield frame


def plain(color: tuple[int, int, int]) -> Scene:
    """A picture of one color."""
    image = Image.new("RGB", (SIDE, SIDE), color)
    return lambda seconds: image
