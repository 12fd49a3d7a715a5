"""Where models are: folders, the package's own weights, and the Hugging Face hub.

From the hub come files that hold nothing but data.
"""

from __future__ import annotations

import re
from pathlib import Path

from mmtts import InputError

OWN_MODELS = Path(__file__).parents[1] / "models"  # weights that came with the package
MODEL_FILES = [
    "*.json",
    "*.safetensors",
    "*.md",
    "lexicon.*",
]  # plain values and tensors, nothing executable

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_id(name: str) -> bool:
    """Whether a name can be that of a repository on the hub, as in "owner/name"."""
    first = name.split("/")[0]
    return bool(_HUB_ID.fullmatch(name)) and first not in ("models", "runs", "..", ".")


def download(name: str, patterns: list[str]) -> Path:
    """Fetch the files of a repository that match a pattern; return the folder that they lie in.

    Raises:
        InputError: There is no such repository, or the hub cannot be reached.
    """
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises many kinds
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{name} is neither a folder here nor a model that the hub gives: {reason}"
        ) from error


def folder_or_download(source: str, patterns: list[str]) -> Path:
    """Find published weights: in a folder, else on the hub.

    Args:
        source: A folder, or an id on the hub such as "microsoft/wavlm-base-plus-sv".
        patterns: Of the files to fetch from the hub; a folder is taken as it is.

    Raises:
        InputError: There is no such folder, and the hub does not give it either.
    """
    folder = Path(source)
    if folder.is_dir():
        return folder
    if folder.exists():
        raise InputError(f"{source} is a file; name the folder that it lies in")
    if not is_hub_id(source):
        raise InputError(f"there is no folder {source}; check the path, or name a hub id")
    return download(source, patterns)


def find_model(name: str, kind: str) -> Path:
    """Find the model folder of one kind.

    Args:
        name: That folder, a system folder, the name of weights in the package, or a hub id.
        kind: Such as "speech_tts": the name of the part within a system.

    Returns:
        The folder, which nobody has looked into yet.

    Raises:
        InputError: The hub does not give it.
    """
    folder = Path(name)
    if not folder.exists() and (OWN_MODELS / name).is_dir():
        folder = OWN_MODELS / name
    elif not folder.exists() and is_hub_id(name):
        folder = download(name, MODEL_FILES)
    part = folder / kind
    return part if part.is_dir() else folder
