"""LibriTTS: audiobooks of LibriVox, cut at sentences (openslr.org/60, arXiv 1904.02882).

585 h, 2,456 speakers, 24 kHz; 83 GB to download. Speakers have LibriVox's numbers, as in
LibriSpeech, LibriTTS-R and Hi-Fi TTS: the same number is the same person, whom the names of
speakers here keep apart. Take one of these corpora, or see to it that nobody is in two splits.
"""

from __future__ import annotations

import logging
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
# Of a Mac, and a file of LibriTTS-R that Lhotse's recipe knows to be damaged.
_LEFT_OUT = r"\._|1092_134562_000013_000004\.wav"

_log = logging.getLogger(__name__)


def read_clips(
    root: Path, out: Path | None = None, jobs: int = 1, corpus: str = NAME
) -> list[Clip]:
    """Read `{part}/{speaker}/{chapter}/*.wav` and `*.trans.tsv`, and `SPEAKERS.txt`.

    The text is the normalized one. Sentences of the table without a file are left out and logged.
    "Clean" parts were chosen by their closeness to US English, the others were not: nothing is
    known of their readers' accents.

    Args:
        root: The folder of the corpus, which holds `train-clean-100` and so on, not all of them.
        out: Where Lhotse's manifests are kept, see `read_utterances`.
        jobs: Processes that read headers; more than one help where a file takes long to open.
        corpus: Name to give to it: LibriTTS-R has the same layout.

    Raises:
        InputError: When `root`, every part or `SPEAKERS.txt` is missing, or a part is damaged.
    """
    parts = find_parts(root, corpus, PARTS)
    genders = read_genders(root / "SPEAKERS.txt", corpus)
    recipes = {part: partial(_prepare, root / part, jobs) for part in parts}
    return [
        Clip(
            corpus=corpus,
            id=supervision.id,
            path=path,
            speaker=f"{corpus}-{supervision.speaker}",
            text=supervision.text or "",
            gender=genders.get(supervision.speaker),
            accent="native" if "clean" in part else "",
        )
        for part, path, supervision in read_utterances(root, corpus, recipes, out)
    ]


def read_genders(table: Path, corpus: str) -> dict[str, str | None]:
    """Read `ID | SEX | SUBSET | MINUTES | NAME`, LibriVox's readers: speaker -> gender."""
    lines = require(table, corpus).read_text(encoding="utf-8", errors="replace").splitlines()
    cells = [line.split("|") for line in lines if not line.startswith(";")]
    return {speaker.strip(): gender_of(sex) for speaker, sex, *_ in (c for c in cells if c[1:])}


def _prepare(folder: Path, jobs: int) -> Manifests:
    """Read a part as the recipe of Lhotse does, which looks for every clip among all of them."""
    from lhotse import RecordingSet, SupervisionSegment, SupervisionSet, fix_manifests

    recordings = RecordingSet.from_dir(folder, "*.wav", num_jobs=jobs, exclude_pattern=_LEFT_OUT)
    seconds = {recording.id: recording.duration for recording in recordings}
    said = []
    for table in folder.rglob("[!.]*.trans.tsv"):
        for line in table.read_text(encoding="utf-8").splitlines():
            name, _, text = line.split("\t")
            if name not in seconds:
                _log.warning("%s names %s, which nobody recorded", table, name)
                continue
            speaker = name.partition("_")[0]
            said.append(
                SupervisionSegment(name, name, 0.0, seconds[name], text=text, speaker=speaker)
            )
    return fix_manifests(recordings, SupervisionSet.from_segments(said))
