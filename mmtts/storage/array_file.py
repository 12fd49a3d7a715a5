"""A small file of named arrays beside a model: safetensors, checked before anything believes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmtts import InputError
from mmtts.storage.atomic import atomic_write

MAX_FILE_BYTES = 2**24


def save_arrays(
    path: str | os.PathLike[str],
    form: str,
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, str],
) -> Path:
    """Write named arrays and texts; `form` tells readers what kind of file this is."""
    from safetensors.numpy import save

    with atomic_write(path) as temporary:
        temporary.write_bytes(save(dict(arrays), {"format": form, **metadata}))
    return Path(path)


def load_arrays(
    path: str | os.PathLike[str], form: str, what: str
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read what `save_arrays` wrote.

    Args:
        path: The file.
        form: The form that it must have.
        what: What the file is to people, such as "file of directions".

    Returns:
        Finite arrays by name, and the texts.

    Raises:
        InputError: The file is missing, damaged, too large, or of another form.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if Path(path).stat().st_size > MAX_FILE_BYTES:
            raise InputError("too large")
        with safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path} is no {what}: {error!s:.200}") from error
    if metadata.get("format") != form or not all(map(_is_finite, arrays.values())):
        raise InputError(f"{path} is no {what}; bundle the model again")
    return arrays, metadata


def _is_finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
