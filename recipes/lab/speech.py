"""Step 1 of the lab recipe: speech corpora become one folder of trimmed clips with manifests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from mmtts import InputError
from mmtts.data.corpora import (
    Clip,
    librispeech,
    ljspeech,
    ravdess,
    speech2face,
    speechocean762,
    vcc2020,
    vctk,
)
from mmtts.data.corpora.records import read_table
from mmtts.data.preparation import count_clips
from mmtts.data.prepared import make_cut, with_loudness, write_cuts, write_json
from mmtts.data.prompt_pairing import Item
from mmtts.data.splits import SPLITS
from mmtts.data.thresholds import learn_thresholds, name_row

Row = dict[str, Any]

# Folder name under --corpora -> the corpus that is read from it.
CORPORA: dict[str, ModuleType] = {
    "speechocean762": speechocean762,
    "librispeech_clips": librispeech,
    "vctk_clips": vctk,
    "vcc2020_clips": vcc2020,
    "ljspeech_clips": ljspeech,
    "ravdess": ravdess,
    "speech2face": speech2face,
}


def read_corpora(root: Path, publishable: bool) -> tuple[list[Clip], list[str]]:
    """Read every corpus that is there.

    Returns:
        The clips, and the names of the corpora whose folder is missing.

    Raises:
        InputError: When `root` is missing or holds none of the corpora.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder; give the folder that holds the corpora.")
    chosen = {f: c for f, c in CORPORA.items() if c.LICENSE.publishable or not publishable}
    missing = [folder for folder in chosen if not (root / folder).is_dir()]
    if len(missing) == len(chosen):
        raise InputError(f"{root} holds none of the speech corpora ({', '.join(chosen)}).")
    clips: list[Clip] = []
    for folder, corpus in chosen.items():
        if folder not in missing:
            clips += corpus.read_clips(root / folder)
    return clips, missing


def read_stretches(table: Path) -> dict[str, list[Row]]:
    """Read what a recognizer is sure of in clips without a text (file, start, end, text).

    Returns:
        Name of the file without its ending -> rows.
    """
    stretches: dict[str, list[Row]] = defaultdict(list)
    for row in read_table(table, "stretches", ("file", "start", "end", "text")):
        stretches[Path(row["file"]).stem].append(row)
    return stretches


def cut_stretches(clips: Sequence[Clip], stretches: Mapping[str, Sequence[Row]]) -> list[Clip]:
    """Put the stretches of a clip in its place where the corpus has no text for it."""
    cut = []
    for clip in clips:
        known = [] if clip.text else stretches.get(clip.id, [])
        cut += [
            replace(
                clip,
                id=f"{clip.id}-{number}",
                text=row["text"],
                span=(float(row["start"]), float(row["end"])),
            )
            for number, row in enumerate(known)
        ] or [clip]
    return cut


def write_manifests(
    rows: Sequence[Row], split: Mapping[str, str], out: Path
) -> tuple[dict[str, Any], list[Item]]:
    """Write `speech/cuts_*.jsonl.gz` and `statistics.json`.

    Returns:
        Counts for the report: corpus -> split -> {clips, people, seconds, transcribed, aligned};
        and the clips as prompt items.
    """
    train = [row for row in rows if split[row["speaker"]] == "train"]
    bins = learn_thresholds(train)
    rows = [with_loudness(row, bins["level_by_corpus"]) for row in rows]
    names = {row["id"]: name_row(row, bins) for row in rows}
    for name in SPLITS:
        part = [row for row in rows if split[row["speaker"]] == name]
        cuts = (make_cut(row, names[row["id"]]) for row in part)
        write_cuts(out / "speech" / f"cuts_{name}.jsonl.gz", cuts)
    write_json(out / "statistics.json", {"thresholds": bins})
    items = [
        Item(row["id"], split[row["speaker"]], names[row["id"]], row["qualities"]) for row in rows
    ]
    return count_clips(rows, lambda row: split[row["speaker"]]), items
