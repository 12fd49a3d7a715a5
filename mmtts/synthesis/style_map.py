"""A map of the style space: where the voices lie that a model has heard, on a plane.

The plane keeps two numbers of a person's style, so a place on it is not a voice.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.storage.array_file import load_arrays, save_arrays

FORMAT = "mmtts-style-map-1"
GENDERS = ("female", "male")
AGES = ("child", "young", "middle-aged", "elderly")
FEWEST = 3  # people; fewer have no two principal axes


@dataclass(frozen=True)
class StyleMap:
    """The plane of the two largest principal axes of people's mean styles, and their places.

    Attributes:
        center: float32 (D,), of all people.
        axes: float32 (2, D), orthonormal.
        places: float32 (n, 2), of the people.
        gender: int64 (n,), index into `GENDERS`; -1 where it is not known.
        age: int64 (n,), index into `AGES`; -1 where it is not known.
        speech_tts: Weights hash of the stage-1 model whose style space this is.
    """

    center: np.ndarray
    axes: np.ndarray
    places: np.ndarray
    gender: np.ndarray
    age: np.ndarray
    speech_tts: str = ""

    def place(self, style: np.ndarray) -> np.ndarray:
        """Where styles (..., D) lie on the map: (..., 2).

        Raises:
            InputError: They are of another width.
        """
        style = np.asarray(style, np.float32)
        if style.shape[-1:] != self.center.shape:
            raise InputError(
                f"the map has places for styles of {self.center.size} values, not "
                f"{style.shape[-1:]}; bundle the model again"
            )
        return (style - self.center) @ self.axes.T

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `style_map.safetensors`."""
        names = ("center", "axes", "places", "gender", "age")
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in names}
        return save_arrays(path, FORMAT, arrays, {"speech_tts": self.speech_tts})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> StyleMap:
        """Read what `save` wrote.

        Raises:
            InputError: The file is missing, damaged, or something else.
        """
        arrays, metadata = load_arrays(path, FORMAT, "map of styles")
        try:
            dim, count = arrays["center"].size, len(arrays["places"])
            shapes = {"center": (dim,), "axes": (2, dim), "places": (count, 2)}
            good = set(arrays) == {*shapes, "gender", "age"} and all(
                arrays[name].shape == shapes.get(name, (count,)) for name in arrays
            )
        except (KeyError, TypeError):
            good = False
        if not good:
            raise InputError(f"{path} is no map of styles; bundle the model again")
        return cls(**arrays, speech_tts=metadata.get("speech_tts", ""))


def draw_map(
    styles: np.ndarray,
    speakers: Sequence[str],
    attributes: Sequence[Mapping[str, str]],
    speech_tts: str = "",
) -> StyleMap | None:
    """Draw the map of the people that clips are from.

    Args:
        styles: (n, D), the style of each clip.
        speakers: Of each clip.
        attributes: Of each clip, attribute name -> value name; a person has those of the last clip.
        speech_tts: Weights hash of the stage-1 model.

    Returns:
        The map; None with fewer than `FEWEST` people.
    """
    labels = dict(zip(speakers, attributes, strict=True))
    if len(labels) < FEWEST:
        return None
    who = np.array(speakers)
    people = np.stack([styles[who == name].mean(axis=0) for name in labels]).astype(np.float64)
    center = people.mean(axis=0)
    axes = np.linalg.svd(people - center, full_matrices=False)[2][:2]
    axes *= np.where(axes.sum(axis=1, keepdims=True) < 0, -1.0, 1.0)  # one sign on every machine
    return StyleMap(
        center.astype(np.float32),
        axes.astype(np.float32),
        ((people - center) @ axes.T).astype(np.float32),
        _ranks(labels.values(), "gender", GENDERS),
        _ranks(labels.values(), "age", AGES),
        speech_tts,
    )


def _ranks(
    labels: Iterable[Mapping[str, str]], attribute: str, values: Sequence[str]
) -> np.ndarray:
    rank = {value: k for k, value in enumerate(values)}
    return np.array([rank.get(label.get(attribute, ""), -1) for label in labels], np.int64)
