"""Ready voices: designed by prompts and seeds, kept by name in a system folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.synthesis.voice import Voice

FOLDER = "voices"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def find_voices(system: Path) -> dict[str, Path]:
    """Names and files of the ready voices in a system folder."""
    return {path.stem: path for path in sorted((system / FOLDER).glob("*.safetensors"))}


def is_voice_file(named: str) -> bool:
    """Tell whether someone means the file of a voice, and not a ready one by its name."""
    return named.endswith(".safetensors") or Path(named).exists()


def load_ready(system: Path, name: str) -> Voice:
    """Load a ready voice.

    Raises:
        InputError: The system has none of that name.
    """
    found = find_voices(system)
    if name not in found:
        known = f"it has {', '.join(found)}" if found else "it has none"
        raise InputError(f"{system} has no voice named {name!r}: {known}")
    return Voice.load(found[name])


def read_designs(path: Path) -> dict[str, dict[str, Any]]:
    """Read what voices are made of: name -> prompt, and a seed where it is not the default.

    Raises:
        InputError: The file is unreadable or holds something else.
    """
    from omegaconf import OmegaConf

    try:
        designs = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except Exception as error:  # of the file system, of YAML or of OmegaConf
        raise InputError(f"{path} is no readable list of voices: {error}") from error
    if not isinstance(designs, Mapping) or not designs:
        raise InputError(f"{path} must map names of voices to a prompt and a seed")
    for name, design in designs.items():
        good = isinstance(design, Mapping) and set(design) <= {"prompt", "seed"}
        if not (good and isinstance(name, str) and _NAME.fullmatch(name)):
            raise InputError(
                f"{path}: {name!r} must be a word in small letters with a prompt and a seed"
            )
    return {str(name): dict(design) for name, design in designs.items()}


def save_designs(
    make: Callable[..., Voice], designs: Mapping[str, Mapping[str, Any]], system: Path
) -> None:
    """Make voices of their designs (by `Synthesizer.voice`) and keep them in a system folder."""
    for name, design in designs.items():
        make(**design).save(system / FOLDER / f"{name}.safetensors")
