"""Remote files: what lies in a folder or behind a URL, read from front to back and patiently."""

from __future__ import annotations

import gzip
import logging
import os
import tarfile
import time
import zlib
from pathlib import Path
from typing import BinaryIO

from mmtts import InputError

_WAITS = (1.0, 2.0, 4.0)  # seconds before another attempt
_BLOCK = 8 * 2**20  # bytes that are asked for at once
_LARGEST = 2**29  # bytes of an unpacked manifest
# What another attempt does not mend. (gzip.BadGzipFile is an OSError, as a lost connection is.)
_FINAL = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    tarfile.TarError,
    ImportError,
    ValueError,
)
_log = logging.getLogger(__name__)


def is_url(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder lies elsewhere: ``s3://``, ``gs://``, ``http(s)://``."""
    return "://" in str(folder)


def join(folder: str | os.PathLike[str], *names: str) -> str:
    """Name something in a folder or below a URL."""
    return "/".join([str(folder).rstrip("/"), *names])


def open_file(url: str) -> BinaryIO:
    """Open a path or URL for reading from front to back.

    Keys and endpoint come from the environment, as the storage's own tools read them
    (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_ENDPOINT_URL``, ...).
    """
    if not is_url(url):
        return Path(url).open("rb")
    from fsspec.core import url_to_fs

    # It would tell in every worker where it found the keys.
    logging.getLogger("aiobotocore").setLevel(logging.WARNING)
    files, path = url_to_fs(url)
    return files.open(path, "rb", block_size=_BLOCK)  # s3fs would ask for 50 MB at once


def read_file(url: str) -> bytes:
    """Read a whole small file, unpacked where its name ends in ``.gz``.

    Raises:
        InputError: it is missing, broken or larger than a manifest can be.
    """
    patience = Patience(url)
    while True:
        try:
            with open_file(url) as file:
                stream = gzip.GzipFile(fileobj=file) if url.endswith(".gz") else file
                content = stream.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise ValueError(f"it unpacks to more than {_LARGEST >> 20} MiB")
            return content
        except Exception as error:
            patience.failed(error)


class Patience:
    """Waits longer after each failure to read a file, and at last gives up in one sentence."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._waits = list(_WAITS)

    def failed(self, error: Exception) -> None:
        """Wait for another attempt.

        Raises:
            InputError: another one would not help, or there were enough.
        """
        if isinstance(error, ImportError):
            hint = "s3fs comes with pip install 'mmtts[cluster]'"
            raise InputError(f"{self.url} cannot be read: {error} ({hint}).") from error
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{self.url} does not exist.") from error
        reason = f"{type(error).__name__}: {error}"
        if isinstance(error, _FINAL) or not self._waits:
            raise InputError(f"{self.url} cannot be read: {reason}") from error
        _log.warning("%s: %s; trying again in %g s", self.url, reason, self._waits[0])
        time.sleep(self._waits.pop(0))
