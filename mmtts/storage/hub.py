"""The Hugging Face hub: what may be an id there, and fetching files that hold nothing but data."""

from __future__ import annotations

import re
from pathlib import Path

from mmtts import InputError

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
