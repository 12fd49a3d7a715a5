"""Audio files: safe decoding, safe writing.

Everywhere in the package a clip is mono float32 in [-1, 1].
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.audio.resampling import resample
from mmtts.storage.atomic import atomic_write

MAX_SECONDS = 3600.0
LOWEST_RATE, HIGHEST_RATE = 4000, 384000
_FORMATS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16")}
_BLOCK_SECONDS = 60


@dataclass(frozen=True, eq=False)
class Audio:
    """A mono clip.

    Attributes:
        samples: float32 (N,), in [-1, 1].
        sample_rate: in Hz.
    """

    samples: np.ndarray
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the clip as ``.wav`` or ``.flac``; see `save_audio`."""
        return save_audio(path, self.samples, self.sample_rate)


def load_audio(
    path: str | os.PathLike[str],
    sample_rate: int,
    *,
    max_seconds: float = MAX_SECONDS,
) -> np.ndarray:
    """Decode a file, mix it down to mono and resample it.

    Args:
        path: any format that libsndfile reads (WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF, ...).
        sample_rate: the rate wanted, in Hz.
        max_seconds: longer files are refused before they are decoded.

    Returns:
        float32 (N,), N >= 1, finite.

    Raises:
        InputError: the file is missing, is not audio, is empty, holds NaN or infinity, is too long
            or claims an absurd sample rate.
    """
    audio = read_audio(path, max_seconds=max_seconds)
    return resample(audio.samples, audio.sample_rate, sample_rate)


def read_audio(path: str | os.PathLike[str], *, max_seconds: float = MAX_SECONDS) -> Audio:
    """Decode a file at its own sample rate and mix it down to mono; see `load_audio`."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist: give the path of an audio file.")
    if not path.is_file():
        raise InputError(f"{path} is not a file: give the path of an audio file.")
    samples, rate = _decode(path, max_seconds)
    if not len(samples):
        raise InputError(f"{path} holds no audio: give a file with at least one sample.")
    if not np.isfinite(samples).all():
        raise InputError(f"{path} holds samples that are not finite: export the file again.")
    return Audio(samples, rate)


def _decode(path: Path, max_seconds: float) -> tuple[np.ndarray, int]:
    """Return mono float32 (N,) and the file's own rate; memory is bounded by ``max_seconds``."""
    import soundfile

    blocks: list[np.ndarray] = []
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
            if not LOWEST_RATE <= rate <= HIGHEST_RATE:
                raise InputError(
                    f"{path} claims a sample rate of {rate} Hz: "
                    f"{LOWEST_RATE} to {HIGHEST_RATE} Hz are accepted."
                )
            # A header can lie about its length in both directions, hence the count while reading.
            left = int(max_seconds * rate)
            for block in file.blocks(_BLOCK_SECONDS * rate, dtype="float32", always_2d=True):
                left -= len(block)
                if left < 0 or file.frames > max_seconds * rate:
                    raise InputError(
                        f"{path} is longer than {max_seconds:g} seconds: cut it into shorter files."
                    )
                blocks.append(block[:, 0] if block.shape[1] == 1 else block.mean(axis=1))
    except PermissionError as error:
        raise InputError(f"{path} may not be read: check its permissions.") from error
    except (soundfile.SoundFileError, TypeError, ValueError, OSError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not an audio file that can be read: {error}") from error
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32), rate


def save_audio(path: str | os.PathLike[str], samples: np.ndarray, sample_rate: int) -> Path:
    """Write mono samples as 16-bit ``.wav`` or ``.flac``; never leaves half a file behind.

    Args:
        path: the suffix chooses the format; missing folders are made.
        samples: float (N,); values beyond [-1, 1] are clipped.
        sample_rate: in Hz.

    Returns:
        The path written.

    Raises:
        InputError: the suffix is unknown, or the samples are empty, not mono or not finite.
    """
    import soundfile

    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"{path} has no known audio suffix: use .wav or .flac.")
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise InputError(f"{path} cannot be written: finite mono samples of shape (N,) are needed.")
    container, subtype = _FORMATS[path.suffix.lower()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        clipped = np.clip(samples, -1.0, 1.0)
        soundfile.write(temporary, clipped, sample_rate, subtype=subtype, format=container)
    return path
