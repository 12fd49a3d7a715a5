"""Named directions of the style space: which way a voice gets higher, older, faster, angrier.

Each direction is the effect of one attribute on the style vector, estimated by least squares with
the speaker's gender held constant, so that "higher" does not simply mean "female". There is none
of energy: a style vector does not tell the level, and `Voice.loudness` sets it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.storage.array_file import load_arrays, save_arrays

FORMAT = "mmtts-directions-1"
FEWEST = 8  # clips on either end of an attribute, below which a direction is left out

# What counts as the low and as the high end; the values between count by their rank.
SCALES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age": ("child", "young", "middle-aged", "elderly"),
    "pitch": ("low", "normal", "high"),
    "pace": ("slow", "normal", "fast"),
}
_NAME = re.compile(r"[a-z][a-z0-9 _-]{0,40}")


class Directions(Mapping[str, np.ndarray]):
    """Vectors by name, for `Voice.move`; length 1 of each is the way from one end to the other.

    Attributes:
        vectors: name -> float32 (D,).
        speech_tts: Weights hash of the stage-1 model whose style space this is.
    """

    def __init__(self, vectors: Mapping[str, np.ndarray], speech_tts: str = "") -> None:
        self.vectors = {name: np.asarray(v, np.float32) for name, v in sorted(vectors.items())}
        self.speech_tts = speech_tts

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self.vectors:
            known = ", ".join(self.vectors) or "none; bundle the model with --data"
            raise InputError(f"there is no direction {name!r}; known: {known}")
        return self.vectors[name]

    def __contains__(self, name: object) -> bool:
        return name in self.vectors

    def __iter__(self) -> Iterator[str]:
        return iter(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `directions.safetensors`."""
        return save_arrays(path, FORMAT, self.vectors, {"speech_tts": self.speech_tts})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Directions:
        """Read what `save` wrote.

        Raises:
            InputError: The file is missing, damaged, or something else.
        """
        vectors, metadata = load_arrays(path, FORMAT, "file of directions")
        good = all(
            _NAME.fullmatch(name) and v.ndim == 1 and v.dtype == np.float32
            for name, v in vectors.items()
        )
        if not good:
            raise InputError(f"{path} is no file of directions; bundle the model again")
        return cls(vectors, metadata.get("speech_tts", ""))


def measure_directions(
    styles: np.ndarray, attributes: Sequence[Mapping[str, str]], speech_tts: str = ""
) -> Directions:
    """Estimate the directions from labeled clips.

    Args:
        styles: (n, D), the style vector of each clip.
        attributes: Of each clip, attribute name -> value name; unknown ones are absent.
        speech_tts: Weights hash of the stage-1 model.

    Returns:
        One direction for each attribute of `SCALES`, and one from neutral to each emotion; those
        with fewer than `FEWEST` clips on either end are left out.
    """
    rows = np.asarray(styles, np.float64)
    gender = np.array(
        [{"female": -0.5, "male": 0.5}.get(a.get("gender", ""), 0) for a in attributes]
    )
    found: dict[str, np.ndarray] = {}
    for name, scale in SCALES.items():
        place = {value: rank / (len(scale) - 1) for rank, value in enumerate(scale)}
        values = np.array([place.get(a.get(name, ""), np.nan) for a in attributes])
        found |= _effect(name, rows, values, None if name == "gender" else gender)
    emotions = sorted({a["emotion"] for a in attributes if a.get("emotion")} - {"neutral"})
    for emotion in emotions:
        place = {"neutral": 0.0, emotion: 1.0}
        values = np.array([place.get(a.get("emotion", ""), np.nan) for a in attributes])
        found |= _effect(emotion, rows, values, gender)
    return Directions(found, speech_tts)


def _effect(
    name: str, styles: np.ndarray, values: np.ndarray, gender: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Regress styles (n, D) on one attribute (n,) with values in [0, 1], if there are enough."""
    known = np.isfinite(values)
    if min((values[known] < 0.5).sum(), (values[known] > 0.5).sum()) < FEWEST:
        return {}
    columns = [np.ones(known.sum()), values[known]]
    if gender is not None:
        columns.append(gender[known])
    effects, *_ = np.linalg.lstsq(np.stack(columns, axis=1), styles[known], rcond=None)
    return {name: effects[1]}
