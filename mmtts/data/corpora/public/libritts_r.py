"""LibriTTS-R: LibriTTS with its sound restored (openslr.org/141, arXiv 2305.18802).

585 h, 2,456 speakers, 24 kHz; 89 GB to download. `SPEAKERS.txt` is in `doc.tar.gz`.
"""

from __future__ import annotations

from pathlib import Path

from mmtts.data.corpora.public import libritts
from mmtts.data.corpora.records import Clip, License

NAME = "libritts_r"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/141")


def read_clips(root: Path, out: Path | None = None, jobs: int = 1) -> list[Clip]:
    """Read what has the layout of LibriTTS; see `mmtts.data.corpora.public.libritts.read_clips`."""
    return libritts.read_clips(root, out, jobs, corpus=NAME)
