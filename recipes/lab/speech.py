"""Step 1 of the lab recipe: speech corpora become one folder of trimmed clips with manifests."""

from __future__ import annotations

import json
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from mmtts import InputError
from mmtts.audio.word_alignment import WordAligner
from mmtts.data.attributes import corpus_levels, measure_thresholds, name_attributes
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
from mmtts.data.prepared import (
    make_cut,
    prepare_clip,
    with_loudness,
    write_cuts,
    write_json,
)
from mmtts.data.prompt_pairing import Item
from mmtts.data.splits import SPLITS, split_people

Row = dict[str, Any]
ADULT_AGE = 16

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

_aligner: WordAligner | None = None


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


def prepare_audio(
    clips: Sequence[Clip],
    out: Path,
    lexicon: Mapping[str, str],
    processes: int,
    noisy: Collection[str] = (),
) -> tuple[list[Row], dict[str, str]]:
    """Prepare all clips that are not done yet.

    Finished clips are remembered in `speech/prepared.jsonl`, so an interrupted run goes on where it
    stopped.

    Args:
        clips: What to prepare.
        out: The prepared data folder.
        lexicon: Extra words -> CMU phones.
        processes: At the same time.
        noisy: Corpora whose noise is suppressed.

    Returns:
        One row per usable clip in the order of `clips`, and clip id -> reason for skipped ones.
    """
    journal = out / "speech" / "prepared.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    by_id = {f"{clip.corpus}-{clip.id}": clip for clip in clips}
    done = {
        row["id"]: row | _labels(by_id[row["id"]])
        for row in _read_journal(journal)
        if row["id"] in by_id
        and row["text"] == by_id[row["id"]].text  # it decided where silence was cut
        and row.get("denoised", False) == (by_id[row["id"]].corpus in noisy)
        and (out / row["audio"]).exists()
    }
    open_clips = [clip for clip in clips if f"{clip.corpus}-{clip.id}" not in done]
    skipped: dict[str, str] = {}
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _start_worker, (lexicon,)) as pool, journal.open("a") as file:
        jobs = pool.imap_unordered(_prepare_one, _jobs(open_clips, out, noisy), chunksize=8)
        for row, reason in tqdm(jobs, total=len(open_clips), desc="speech", unit="clip"):
            if reason:
                skipped[row["id"]] = reason
            else:
                done[row["id"]] = row | _labels(by_id[row["id"]])
                file.write(json.dumps(row) + "\n")
    ids = (f"{clip.corpus}-{clip.id}" for clip in clips)
    return [done[name] for name in ids if name in done], dict(sorted(skipped.items()))


def _labels(clip: Clip) -> Row:
    """What a corpus says of a clip, which may have changed since the clip was prepared."""
    return {
        "gender": clip.gender,
        "age": clip.age,
        "emotion": clip.emotion,
        "qualities": dict(clip.qualities),
        "accent": clip.accent,
    }


def _read_journal(path: Path) -> Iterator[Row]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:  # a run was killed in the middle of this line
                continue
            if "sample_rate" in row:  # earlier versions brought every clip to 16 kHz
                yield row


def _start_worker(lexicon: Mapping[str, str]) -> None:
    global _aligner
    _aligner = WordAligner(lexicon)


def _jobs(
    clips: Sequence[Clip], out: Path, noisy: Collection[str]
) -> list[tuple[Clip, Path, bool]]:
    return [(clip, out, clip.corpus in noisy) for clip in clips]


def _prepare_one(job: tuple[Clip, Path, bool]) -> tuple[Row, str]:
    clip, out, noisy = job
    try:
        return {**prepare_clip(clip, out, _aligner, noisy), "denoised": noisy}, ""
    except InputError as error:
        return {"id": f"{clip.corpus}-{clip.id}"}, str(error)


def split_speakers(rows: Sequence[Row]) -> dict[str, str]:
    """Split people within corpus, gender and child or adult; see `split_people`.

    Whoever has most of the clips of a corpus is trained on.
    """
    split = split_people({row["speaker"]: _stratum(row) for row in rows})
    clips = Counter(row["corpus"] for row in rows)
    of_speaker = Counter((row["corpus"], row["speaker"]) for row in rows)
    most = {who: "train" for (corpus, who), n in of_speaker.items() if 2 * n > clips[corpus]}
    return {**split, **most}


def _stratum(row: Row) -> str:
    child = row["age"] is not None and row["age"] < ADULT_AGE
    return f"{row['corpus']} {row['gender'] or 'unknown'} {'child' if child else 'adult'}"


def learn_thresholds(rows: Sequence[Row]) -> dict[str, Any]:
    """Learn what low, normal and high mean, from the adults among `rows` (training clips).

    Energy is judged by the loudness of a clip relative to its corpus (`level_by_corpus`).
    """
    adults = [row for row in rows if row["age"] is None or row["age"] >= ADULT_AGE]
    levels = corpus_levels((row["corpus"], row["measured"]["energy_db"]) for row in adults)
    measured = [reliable(with_loudness(row, levels)) | {"gender": row["gender"]} for row in adults]
    return {**measure_thresholds(measured), "level_by_corpus": levels}


def reliable(row: Row) -> Row:
    """Return what was measured of a clip, without its pace where nobody knows what is said.

    Thirds by peaks of loudness are those by phones in only 48 to 75 % of clips.
    """
    return row["measured"] if row["text"] else row["measured"] | {"pace": None}


def name_row(row: Row, bins: Mapping[str, Any]) -> dict[str, str]:
    """Name the attributes of one clip by the bins of `learn_thresholds`."""
    measured = {key: value for key, value in reliable(row).items() if key != "energy_db"}
    return name_attributes(
        bins, gender=row["gender"], age=row["age"], emotion=row["emotion"], **measured
    )


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
    return _count(rows, split), items


def _count(rows: Sequence[Row], split: Mapping[str, str]) -> dict[str, Any]:
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        place = counts[row["corpus"]][split[row["speaker"]]]
        people[row["corpus"], split[row["speaker"]]].add(row["speaker"])
        place["clips"] += 1
        place["transcribed"] += bool(row["text"])
        place["aligned"] += bool(row["words"])
        place["milliseconds"] += round(1000 * row["num_samples"] / row["sample_rate"])
    return {
        corpus: {
            name: {
                "clips": c["clips"],
                "people": len(people[corpus, name]),
                "seconds": round(c["milliseconds"] / 1000, 1),
                "transcribed": c["transcribed"],
                "aligned": c["aligned"],
            }
            for name, c in by_split.items()
        }
        for corpus, by_split in counts.items()
    }
