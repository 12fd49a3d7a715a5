"""LibriSpeech: audiobooks of LibriVox for speech recognition (openslr.org/12, ICASSP 2015).

982 h, 2,484 speakers, 16 kHz; 61 GB to download. Its texts have no punctuation.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts.data.corpora.public.lhotse_clips import find_parts, read_utterances
from mmtts.data.corpora.public.libritts import PARTS, read_genders
from mmtts.data.corpora.records import Clip, License

if TYPE_CHECKING:
    from mmtts.data.corpora.public.lhotse_clips import Manifests

NAME = "librispeech"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/12")


def read_clips(root: Path, out: Path | None = None, jobs: int = 1) -> list[Clip]:
    """Read `{part}/{speaker}/{chapter}/*.flac` and `*.trans.txt` with Lhotse, and `SPEAKERS.TXT`.

    The text is in lower case. Sentences of the table without a file are left out and logged by
    Lhotse. For accents see `mmtts.data.corpora.public.libritts`.

    Args:
        root: The folder of the corpus, which holds `train-clean-100` and so on, not all of them.
        out: Where Lhotse's manifests are kept, see `read_utterances`.
        jobs: Threads that read headers.

    Raises:
        InputError: When `root`, every part or `SPEAKERS.TXT` is missing, or a part is damaged.
    """
    parts = find_parts(root, NAME, PARTS)
    genders = read_genders(root / "SPEAKERS.TXT", NAME)
    recipes = {part: partial(_prepare, root, part, jobs) for part in parts}
    return [
        Clip(
            corpus=NAME,
            id=supervision.id,
            path=path,
            speaker=f"{NAME}-{supervision.speaker}",
            text=supervision.text or "",
            gender=genders.get(supervision.speaker),
            accent="native" if "clean" in part else "",
        )
        for part, path, supervision in read_utterances(root, NAME, recipes, out)
    ]


def _prepare(root: Path, part: str, jobs: int) -> Manifests:
    from lhotse.recipes.librispeech import prepare_librispeech

    manifests = prepare_librispeech(
        root, dataset_parts=[part], normalize_text="lower", num_jobs=jobs
    )[part]
    return manifests["recordings"], manifests["supervisions"]
