"""Files of synthesized speech: written piece by piece, and labeled as synthetic."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from mmtts import InputError
from mmtts.audio.files import Audio
from mmtts.storage.atomic import atomic_write
from mmtts.synthesis.provenance import COMMENT
from mmtts.synthesis.spoken_words import SpokenWord, shift_words

if TYPE_CHECKING:
    import soundfile

FORMATS = {".wav": "WAV", ".flac": "FLAC"}


@dataclass(frozen=True, eq=False)
class Speech(Audio):
    """Synthesized audio; its files say so in their metadata.

    Attributes:
        words: When each word is heard, in s from the beginning of this sound.
    """

    words: tuple[SpokenWord, ...] = ()

    @classmethod
    def join(cls, parts: Iterable[Speech], sample_rate: int) -> Speech:
        """Put parts that follow one another together.

        Args:
            parts: Such as a stream gives them.
            sample_rate: Of all of them, in Hz.
        """
        samples, words, count = [np.zeros(0, np.float32)], list[SpokenWord](), 0
        for part in parts:
            words += shift_words(part.words, count / sample_rate)
            samples.append(part.samples)
            count += len(part.samples)
        return cls(np.concatenate(samples), sample_rate, tuple(words))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a 16-bit `.wav` or `.flac` file; missing folders are made."""
        with SpeechWriter(path, self.sample_rate) as writer:
            writer.write(self.samples)
        return Path(path)


class SpeechWriter:
    """Writes a file of any length with little memory; it appears only when it is complete.

        with SpeechWriter("long.wav", tts.sample_rate) as writer:
            for part in tts.stream(text, voice):
                writer.write(part.samples)

    Args:
        path: Its suffix chooses the format, `.wav` or `.flac`.
        sample_rate: In Hz.

    Raises:
        InputError: The suffix is unknown, nothing was written, or the place cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], sample_rate: int) -> None:
        self.path, self.sample_rate = Path(path), sample_rate
        require_speech_suffix(self.path)
        self._stack = ExitStack()
        self._file: soundfile.SoundFile | None = None

    def __enter__(self) -> SpeechWriter:
        import soundfile

        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_write(self.path))
            container = FORMATS[self.path.suffix.lower()]
            try:
                file = soundfile.SoundFile(
                    temporary, "w", self.sample_rate, 1, subtype="PCM_16", format=container
                )
            except soundfile.SoundFileError as error:
                raise InputError(f"cannot write {self.path}: {error}") from error
            self._file = stack.enter_context(file)
            file.software, file.comment = "mmtts", COMMENT
            self._stack = stack.pop_all()
        return self

    def write(self, samples: np.ndarray) -> None:
        """Append mono samples (N,) in [-1, 1]; values beyond are clipped.

        Raises:
            InputError: The disk is full.
        """
        import soundfile

        assert self._file is not None, "write inside of a with block"
        try:
            self._file.write(np.clip(np.asarray(samples, np.float32), -1.0, 1.0))
        except (soundfile.SoundFileError, AssertionError) as error:
            raise InputError(f"cannot write {self.path}: is the disk full? {error}") from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def require_speech_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse a file name whose format is unknown.

    Raises:
        InputError: The suffix is neither `.wav` nor `.flac`.
    """
    if Path(path).suffix.lower() not in FORMATS:
        raise InputError(f"{path} does not end in .wav or .flac; choose one of them")
