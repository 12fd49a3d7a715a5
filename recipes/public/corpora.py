"""The public corpora that can be prepared: their names and the modules that read them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from mmtts import InputError
from mmtts.data.corpora import Clip

# A module has LICENSE, and read_clips(root), which gives the clips of a corpus as it is published,
# read_footage(root), which gives its videos, or read_photos(root), its pictures.
SPEECH = {
    "ears": "mmtts.data.corpora.public.ears",
    "hifi_tts": "mmtts.data.corpora.public.hifi_tts",
    "librispeech": "mmtts.data.corpora.public.librispeech",
    "libritts": "mmtts.data.corpora.public.libritts",
    "libritts_r": "mmtts.data.corpora.public.libritts_r",
    "ljspeech": "mmtts.data.corpora.ljspeech",
    "ravdess": "mmtts.data.corpora.ravdess",
    "speechocean762": "mmtts.data.corpora.speechocean762",
    "vctk": "mmtts.data.corpora.public.vctk",
}
VIDEO = {
    "avspeech": "mmtts.data.corpora.public.avspeech",
    "lrs3": "mmtts.data.corpora.public.lrs3",
    "voxceleb2": "mmtts.data.corpora.public.voxceleb2",
}
# Faces that captions describe: of these videos only the pictures count.
SILENT = {"celebv_text": "mmtts.data.corpora.public.celebv_text"}
PHOTOS = {"facecaption": "mmtts.data.corpora.public.facecaption"}
FACES = SILENT | PHOTOS
CORPORA = SPEECH | VIDEO | FACES
# Those whose reader opens every file once, and keeps what it saw.
OPENED = ("hifi_tts", "librispeech", "libritts", "libritts_r")


def find_corpus(name: str) -> ModuleType:
    """Import the module that reads a corpus.

    Raises:
        InputError: There is none of this name.
    """
    if name not in CORPORA:
        raise InputError(f"unknown corpus {name!r:.40}: known are {', '.join(sorted(CORPORA))}")
    return importlib.import_module(CORPORA[name])


def read_clips(name: str, root: Path, kept: Path) -> Sequence[Clip]:
    """Read the clips of a corpus of speech.

    Args:
        name: Of `SPEECH`.
        root: Where it was unpacked.
        kept: Folder for what the reader saw of the files, so that one of many jobs opens them.
    """
    corpus = find_corpus(name)
    words = {"out": kept} if name in OPENED else {}
    clips: Sequence[Clip] = corpus.read_clips(root, **words)
    return clips
