"""LibriTTS: audiobooks of LibriVox, cut at sentences (openslr.org/60, arXiv 1904.02882).

585 h, 2,456 speakers, 24 kHz; 83 GB to download. Speakers have LibriVox's numbers, as in
LibriSpeech, LibriTTS-R and Hi-Fi TTS: the same number is the same person, whom the names of
speakers here keep apart. Take one of these corpora, or see to it that nobody is in two splits.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts.data.corpora.public.lhotse_clips import find_parts, read_utterances
from mmtts.data.corpora.records import Clip, License, gender_of, require

if TYPE_CHECKING:
    from mmtts.data.corpora.public.lhotse_clips import Manifests

NAME = "libritts"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/60")
PARTS = (
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
)


def read_clips(
    root: Path, out: Path | None = None, jobs: int = 1, corpus: str = NAME
) -> list[Clip]:
    """Read `{part}/{speaker}/{chapter}/*.wav` and `*.trans.tsv`, and `SPEAKERS.txt`, with Lhotse.

    The text is the normalized one. Sentences of the table without a file are left out and logged by
    Lhotse. "Clean" parts were chosen by their closeness to US English, the others were not: nothing
    is known of their readers' accents.

    Args:
        root: The folder of the corpus, which holds `train-clean-100` and so on, not all of them.
        out: Where Lhotse's manifests are kept, see `read_utterances`.
        jobs: Processes that read headers; more than one help where a file takes long to open.
        corpus: Name to give to it: LibriTTS-R has the same layout.

    Raises:
        InputError: When `root`, every part or `SPEAKERS.txt` is missing, or a part is damaged.
    """
    parts = find_parts(root, corpus, PARTS)
    require(root / "SPEAKERS.txt", corpus)  # Lhotse goes on without it, and knows no gender

    recipes = {part: partial(_prepare, root, part, jobs) for part in parts}
    return [
        Clip(
            corpus=corpus,
            id=supervision.id,
            path=path,
            speaker=f"{corpus}-{supervision.speaker}",
            text=supervision.text or "",
            gender=gender_of(supervision.gender or ""),
            accent="native" if "clean" in part else "",
        )
        for part, path, supervision in read_utterances(root, corpus, recipes, out)
    ]


def _prepare(root: Path, part: str, jobs: int) -> Manifests:
    from lhotse.recipes.libritts import prepare_libritts

    manifests = prepare_libritts(root, [part], num_jobs=jobs)[part]
    return manifests["recordings"], manifests["supervisions"]
