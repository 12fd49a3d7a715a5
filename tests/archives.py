"""Small tar archives for tests."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path


def archive(path: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """A tar archive of (name, content)."""
    with tarfile.open(path, "w") as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
