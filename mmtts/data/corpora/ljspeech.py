"""LJSpeech: one female reader, public domain (keithito.com/LJ-Speech-Dataset)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, require

NAME = "ljspeech"
LICENSE = License("public domain", True, "https://keithito.com/LJ-Speech-Dataset")
SPEAKER = "ljspeech-linda_johnson"


def read_clips(folder: Path) -> list[Clip]:
    """Read every file under `wavs/`; `metadata.csv` (id|text|normalized text) gives the words.

    Clips that the table does not name are yielded without text.

    Raises:
        InputError: When the table or `wavs/` is missing.
    """
    table = require(folder / "metadata.csv", NAME).read_text(encoding="utf-8").splitlines()
    texts = {line.split("|")[0]: line.split("|")[-1] for line in table if "|" in line}
    return [
        Clip(NAME, path.stem, path, SPEAKER, texts.get(path.stem, ""), "female", accent="native")
        for path in sorted(require(folder / "wavs", NAME).iterdir())
    ]
