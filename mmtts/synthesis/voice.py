"""A voice: one point of the style space and a loudness, whatever they came from.

Nothing here needs torch, so voices can be stored, mixed and moved in a light program.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.storage.atomic import atomic_write
from mmtts.storage.model_config import to_plain

FORMAT = "mmtts-voice-1"
MAX_FILE_BYTES = 2**20
MAX_DIM = 4096
LOUDEST_DB = 20.0

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False, repr=False)
class Voice:
    """A point of the speech-style space, and how loud to speak.

    The style encoder hears clips at one level, so the point does not tell the level.

    Attributes:
        vector: float32 (D,), unit norm; scaled to it when given otherwise. D is 256 as a rule.
        origin: What it came from, plain values: `{"from": "prompt", "prompt": ..., "seed": 0}`.
        speech_tts: Weights hash of the stage-1 model whose style space this is.
        loudness: dB above the standard level (below when negative), -20 to 20.

    Raises:
        InputError: The vector has no direction, the loudness is out of its range, or a field is of
            another kind.
    """

    vector: np.ndarray
    origin: Mapping[str, Any] = field(default_factory=dict)
    speech_tts: str = ""
    loudness: float = 0.0

    def __post_init__(self) -> None:
        vector = np.asarray(self.vector, dtype=np.float64)
        if vector.ndim != 1 or not 2 <= vector.size <= MAX_DIM or not np.isfinite(vector).all():
            raise InputError(f"a voice is one vector of finite numbers, not {vector.shape}")
        largest = float(np.abs(vector).max())
        if largest == 0:
            raise InputError("a voice cannot be the zero vector; it needs a direction")
        vector = vector / largest  # the norm of very small or large values would not be exact
        vector = (vector / np.linalg.norm(vector)).astype(np.float32)
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)
        object.__setattr__(self, "origin", to_plain(dict(self.origin), "origin"))
        if self.speech_tts and not _SHA256.fullmatch(self.speech_tts):
            raise InputError(f"a voice's space is a SHA-256 hash, not {self.speech_tts!r:.80}")
        if not -LOUDEST_DB <= self.loudness <= LOUDEST_DB:  # false for NaN, too
            raise InputError(
                f"loudness must be from -{LOUDEST_DB:g} to {LOUDEST_DB:g} dB, not {self.loudness}"
            )
        object.__setattr__(self, "loudness", float(self.loudness))

    def __repr__(self) -> str:
        said = ", ".join(f"{key} {value!r:.60}" for key, value in self.origin.items())
        level = f"; {self.loudness:+g} dB" if self.loudness else ""
        space = self.speech_tts[:12] or "unknown"
        return f"Voice({said or 'of unknown origin'}{level}; space {space})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Voice):
            return NotImplemented
        same = (self.speech_tts, self.loudness) == (other.speech_tts, other.loudness)
        return same and np.array_equal(self.vector, other.vector)

    def __hash__(self) -> int:
        return hash((self.speech_tts, self.loudness, self.vector.tobytes()))

    def similarity(self, other: Voice) -> float:
        """Cosine between two voices of one space, in [-1, 1]."""
        _require_one_space([self, other])
        return float(np.clip(np.dot(self.vector, other.vector), -1.0, 1.0))

    def require_space(self, style_space: str, dim: int) -> None:
        """Refuse to speak with a model of another space.

        Args:
            style_space: Weights hash of the stage-1 model that is to speak.
            dim: Numbers in its voices.

        Raises:
            InputError: This voice is of another space.
        """
        if self.vector.size != dim or self.speech_tts not in ("", style_space):
            raise InputError(
                f"this voice belongs to the style space {self.speech_tts[:12] or 'of no model'}, "
                f"and this model has the space {style_space[:12]}; make the voice again with this "
                "model"
            )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the voice as a `.safetensors` file of about 2 kB; missing folders are made."""
        from safetensors.numpy import save

        path = Path(path)
        if path.suffix != ".safetensors":
            raise InputError(f"a voice file ends in .safetensors, {path.name} does not; rename it")
        origin = json.dumps(self.origin, ensure_ascii=False, allow_nan=False)
        metadata = {
            "format": FORMAT,
            "speech_tts": self.speech_tts,
            "origin": origin,
            "loudness": repr(self.loudness),
        }
        with atomic_write(path) as temporary:
            temporary.write_bytes(save({"vector": self.vector}, metadata))
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Voice:
        """Read a voice that `save` wrote.

        Raises:
            InputError: The file is missing, damaged, or not a voice.
        """
        metadata, vector = _read(Path(path))
        if metadata.get("format") != FORMAT:
            raise InputError(f"{path} is no voice file; make one with --save-voice or Voice.save")
        try:
            origin = json.loads(metadata.get("origin", "{}"))
            if vector.shape != (vector.size,) or vector.dtype != np.float32:
                raise InputError(f"its vector is {vector.dtype} {vector.shape}")
            if not math.isclose(float(np.linalg.norm(vector.astype(float))), 1.0, abs_tol=1e-3):
                raise InputError("its vector has not unit norm")
            if not isinstance(origin, dict):
                raise InputError("its origin is no mapping")
            loudness = float(metadata.get("loudness", 0.0))  # absent from files of before
            return cls(vector, origin, metadata.get("speech_tts", ""), loudness)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is a damaged voice file: {error!s:.200}") from error

    @staticmethod
    def mix(voices: Sequence[Voice], weights: Sequence[float] | None = None) -> Voice:
        """Blend voices: the normalized weighted mean of their vectors, the mean of their loudness.

        Args:
            voices: At least one, all of the same space.
            weights: Positive numbers, one per voice; only their ratios matter. Equal by default.

        Raises:
            InputError: Different spaces, unusable weights, or voices that cancel each other.
        """
        voices = list(voices)
        shares = _shares(weights, len(voices))
        _require_one_space(voices)
        mean = np.einsum("i,id->d", shares, np.stack([v.vector for v in voices]).astype(np.float64))
        if float(np.linalg.norm(mean)) < 1e-3:
            raise InputError("these voices are opposites and cancel out; give one a larger weight")
        parts = [
            # A mix of mixes is named as such, or histories would grow without end.
            {"weight": round(float(share), 6), **({"from": "mix"} if "parts" in o else o)}
            for share, o in zip(shares, (dict(v.origin) for v in voices), strict=True)
        ]
        loudness = float(np.dot(shares, [voice.loudness for voice in voices]))
        return Voice(mean, {"from": "mix", "parts": parts}, voices[0].speech_tts, loudness)

    def move(self, direction: np.ndarray, amount: float, name: str = "a direction") -> Voice:
        """Walk on the sphere along a direction of the style space (the exponential map).

        Args:
            direction: (D,), such as `Directions["pitch"]`; its length is the step for `amount` 1.
            amount: How far, in lengths of the direction; negative walks the other way. The walk
                ends a quarter circle away, where nothing of the voice would be left.
            name: What to call the direction in the origin of the result.

        Raises:
            InputError: The direction or the amount is not finite, or of another size.
        """
        direction = np.asarray(direction, dtype=np.float64)
        if direction.shape != self.vector.shape or not np.isfinite(direction).all():
            raise InputError(f"{name} does not fit a voice of {self.vector.size} finite numbers")
        if not math.isfinite(amount):
            raise InputError(f"the amount to move along {name} must be finite, not {amount}")
        here = self.vector / np.linalg.norm(self.vector.astype(np.float64))
        tangent = direction - here * np.dot(direction, here)
        length = float(np.linalg.norm(tangent))
        if length < 1e-9 or amount == 0:
            return self
        angle = float(np.clip(amount * length, -math.pi / 2, math.pi / 2))
        moved = here * math.cos(angle) + tangent / length * math.sin(angle)
        moves = {**self.origin.get("moved", {}), name: float(amount)}
        return Voice(moved, {**self.origin, "moved": moves}, self.speech_tts, self.loudness)


def _shares(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """Normalize mixing weights to a sum of 1."""
    if count == 0:
        raise InputError("mixing needs at least one voice")
    values = np.asarray([1.0] * count if weights is None else list(weights), dtype=np.float64)
    if values.shape != (count,):
        raise InputError(f"{count} voices need {count} weights, not {values.size}")
    if not np.isfinite(values).all() or (values <= 0).any():
        raise InputError("mixing weights must be positive numbers, such as 0.7 and 0.3")
    values = values / values.max()
    return values / values.sum()


def _require_one_space(voices: Sequence[Voice]) -> None:
    spaces = {(voice.speech_tts, voice.vector.size) for voice in voices}
    if len(spaces) > 1:
        raise InputError(
            "these voices belong to different stage-1 models, so their style spaces differ; "
            "make them with one model"
        )


def _read(path: Path) -> tuple[dict[str, str], np.ndarray]:
    """Read metadata and the only tensor of a small safetensors file."""
    from safetensors import SafetensorError, safe_open

    try:
        size = path.stat().st_size
        if not path.is_file() or size > MAX_FILE_BYTES:
            raise InputError(f"{path} is no voice file; a voice has about 2 kB")
        with safe_open(path, framework="numpy") as stream:
            if list(stream.keys()) != ["vector"]:
                raise InputError(f"{path} is no voice file; it does not hold exactly one vector")
            return stream.metadata() or {}, stream.get_tensor("vector")
    except FileNotFoundError as error:
        raise InputError(f"there is no voice file {path}; check the path") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except InputError:
        raise
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is a damaged voice file: {error!s:.200}") from error
