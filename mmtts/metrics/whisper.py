"""OpenAI's Whisper as a recognizer, through transformers or, quicker on a CPU, faster-whisper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.metrics.recognition import Recognizer

CONVERTED = "model.bin"  # what a folder for faster-whisper has, and one for transformers has not
BEAM = 5


def load_whisper(source: str) -> Recognizer:
    """Load a Whisper by whichever library its folder is for.

    Args:
        source: Model folder or hub id, such as ``openai/whisper-small.en``.

    Raises:
        InputError: The model cannot be loaded, or its library is not installed.
    """
    return FasterWhisper(source) if (Path(source) / CONVERTED).is_file() else Whisper(source)


class Whisper:
    """Whisper through transformers.

    Args:
        source: Model folder or hub id.

    Raises:
        InputError: The model cannot be loaded.
    """

    def __init__(self, source: str) -> None:
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        self.name = f"whisper ({source})"
        try:
            self._processor: Any = WhisperProcessor.from_pretrained(source)
            self._model: Any = WhisperForConditionalGeneration.from_pretrained(source).eval()
        except (OSError, ValueError) as error:
            raise _unreadable(source, error) from error

    def transcribe(self, samples: np.ndarray) -> str:
        """Return the words heard in float32 (N,) at 16 kHz."""
        import torch

        heard = self._processor(samples, sampling_rate=JUDGE_RATE, return_tensors="pt")
        with torch.no_grad():
            tokens = self._model.generate(heard.input_features)
        return str(self._processor.batch_decode(tokens, skip_special_tokens=True)[0]).strip()


class FasterWhisper:
    """Whisper through CTranslate2, English, with a beam of 5.

    Args:
        folder: Converted model, as faster-whisper has them.

    Raises:
        InputError: The model cannot be loaded, or faster-whisper is not installed.
    """

    def __init__(self, folder: str) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise InputError(
                f"{folder} is a model for faster-whisper, which is not installed: "
                "pip install 'mmtts[whisper]'"
            ) from error
        import torch

        self.name = f"whisper ({folder})"
        try:
            self._model: Any = WhisperModel(
                folder, device="cpu", local_files_only=True, cpu_threads=torch.get_num_threads()
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise _unreadable(folder, error) from error

    def transcribe(self, samples: np.ndarray) -> str:
        """Return the words heard in float32 (N,) at 16 kHz."""
        segments, _ = self._model.transcribe(
            np.asarray(samples, np.float32),
            language="en",
            beam_size=BEAM,
            temperature=0.0,  # else it draws words where it is unsure: never twice the same
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)


def _unreadable(source: str, error: Exception) -> InputError:
    return InputError(
        f"Whisper cannot be loaded from {source}: {str(error).splitlines()[0]}; "
        "give a model folder or leave whisper=null"
    )
