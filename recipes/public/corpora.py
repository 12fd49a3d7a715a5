"""The public corpora that can be prepared: their names and the modules that read them."""

from __future__ import annotations

import importlib
from types import ModuleType

from mmtts import InputError

# A module has LICENSE, and read_clips(root), which gives the clips of a corpus as it is published.
CORPORA = {
    "ljspeech": "mmtts.data.corpora.ljspeech",
    "ravdess": "mmtts.data.corpora.ravdess",
    "speechocean762": "mmtts.data.corpora.speechocean762",
}


def find_corpus(name: str) -> ModuleType:
    """Import the module that reads a corpus.

    Raises:
        InputError: There is none of this name.
    """
    if name not in CORPORA:
        raise InputError(f"unknown corpus {name!r:.40}: known are {', '.join(sorted(CORPORA))}")
    return importlib.import_module(CORPORA[name])
