"""What a model has heard: how many training clips there were of each kind of voice."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.storage.atomic import atomic_write

FORMAT = "mmtts-heard-1"
FEWEST = 8  # clips; a model that heard fewer of something has not learned it
MAX_FILE_BYTES = 2**20


@dataclass(frozen=True)
class Heard:
    """Training clips by what they are.

    Attributes:
        clips: attribute -> value -> how many clips have it.
        speech_tts: Weights hash of the stage-1 model that heard them.
    """

    clips: Mapping[str, Mapping[str, int]]
    speech_tts: str = ""

    @classmethod
    def count(cls, attributes: Iterable[Mapping[str, str]], speech_tts: str = "") -> Heard:
        """Count the attributes of clips, each attribute name -> value name."""
        counts: dict[str, Counter[str]] = {}
        for labels in attributes:
            for name, value in labels.items():
                counts.setdefault(name, Counter())[value] += 1
        return cls({name: dict(sorted(c.items())) for name, c in counts.items()}, speech_tts)

    def learned(self, attribute: str, value: str) -> bool:
        """Whether there were enough clips of a kind to learn it."""
        return self.clips.get(attribute, {}).get(value, 0) >= FEWEST

    def values(self, attribute: str) -> list[str]:
        """Name the values of an attribute that were learned."""
        return [value for value in self.clips.get(attribute, {}) if self.learned(attribute, value)]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `heard.json`."""
        content = {"format": FORMAT, "speech_tts": self.speech_tts, "clips": self.clips}
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        return Path(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Heard:
        """Read what `save` wrote.

        Raises:
            InputError: The file is missing, damaged, or something else.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise ValueError("too large")
            content = json.loads(path.read_bytes())
            good = content["format"] == FORMAT and isinstance(content["speech_tts"], str)
            if not good or not _are_counts(content["clips"]):
                raise ValueError("it has other content")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path} is no list of what a model has heard ({error!s:.100}); bundle the model "
                "again"
            ) from error
        return cls(content["clips"], content["speech_tts"])


def _are_counts(clips: Any) -> bool:
    return isinstance(clips, dict) and all(
        isinstance(values, dict) and all(type(count) is int for count in values.values())
        for values in clips.values()
    )
