"""From one's own recordings to a prepared folder."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.audio.files import load_audio, read_audio
from mmtts.audio.loudness import active_rms_db, trim_silence
from mmtts.audio.word_alignment import ALIGNER_RATE, spoken_words
from mmtts.data.attributes import corpus_levels, name_attributes
from mmtts.data.corpora.records import Clip, read_table
from mmtts.data.phoneme_cache import load_phonemes, phonemes_path
from mmtts.data.preparation import count_clips, file_hash
from mmtts.data.prepared import (
    SHORTEST_SECONDS,
    make_cut,
    with_loudness,
    write_cuts,
    write_json,
    write_table,
)
from mmtts.data.splits import by_hash
from mmtts.storage.atomic import atomic_write
from mmtts.text import ENGLISH, FrontEnd

HEARD = "transcripts.csv"
COLUMNS = ("file", "text", "content")
Row = dict[str, Any]

_TERMS = """# Licences

The recordings of `{folder}`, prepared with `python -m mmtts.prepare`. Whoever prepared them states
about the people who speak:

> {consent}

Weights trained on this folder may be used and published only as far as these people agreed. See
"Consent" in `data/README.md`.
"""


class Prepared(NamedTuple):
    """What became of recordings.

    Attributes:
        counts: split -> {clips, people, seconds, transcribed, aligned}.
        skipped: file -> reason, in words that continue its name.
        unsure: files in whose sound the words of their text were not found.
    """

    counts: dict[str, Any]
    skipped: dict[str, str]
    unsure: list[str]


def choose_clips(
    clips: Sequence[Clip],
    folder: Path,
    out: Path,
    longest: float = 15.0,
    transcribe: Callable[[np.ndarray], str] | None = None,
    front_end: FrontEnd = ENGLISH,
) -> tuple[list[Clip], dict[str, str]]:
    """Tell the recordings that can be used from those that cannot.

    Args:
        clips: From `mmtts.data.corpora.recordings`.
        folder: Where the recordings are.
        out: The prepared folder, where phonemes and what was heard are kept.
        longest: Seconds of sound, silence around it excluded.
        transcribe: Writes down float32 (N,) at 16 kHz where there is no text.
        front_end: Of the language of the texts.

    Returns:
        The clips, each with a text, and file -> reason for the others.
    """
    faults = {clip.path: fault_of_sound(clip.path, longest) for clip in clips}
    sound = [clip for clip in clips if not faults[clip.path]]
    if transcribe is not None:
        sound = write_down(sound, folder, out, transcribe)
    texts = [clip.text for clip in sound if clip.text]
    spoken = load_phonemes(texts, phonemes_path(out, front_end), front_end)
    for clip in sound:
        if not clip.text:
            faults[clip.path] = "has no text"
        elif spoken[clip.text] is None:
            faults[clip.path] = f"has a text that cannot be spoken: {clip.text!r:.60}"
    skipped = {str(path.relative_to(folder)): fault for path, fault in faults.items() if fault}
    return [clip for clip in sound if not faults[clip.path]], skipped


def fault_of_sound(path: Path, longest: float) -> str:
    """Say why a recording cannot be used, in words that continue its name; "" where it can."""
    try:
        audio = read_audio(path)
    except InputError as error:
        return str(error).removeprefix(str(path)).partition(":")[0].strip()  # without the remedy
    if active_rms_db(audio.samples, audio.sample_rate) == -math.inf:
        return "is silent"
    seconds = len(trim_silence(audio.samples, audio.sample_rate)) / audio.sample_rate
    if seconds > longest:
        return f"is too long: {seconds:.1f} s, {longest:g} s at most; cut it at a pause"
    if seconds < SHORTEST_SECONDS:
        return f"is too short: {seconds:.1f} s, {SHORTEST_SECONDS:g} s at least"
    return ""


def finish_folder(
    rows: Sequence[Row],
    files: Mapping[str, str],
    out: Path,
    skipped: Mapping[str, str],
    valid: float,
    terms: str,
) -> Prepared:
    """Write what makes a folder of prepared clips a prepared folder: manifests, report, terms.

    Args:
        rows: From `prepare_audio`, all of one corpus.
        files: Clip id -> name of its recording.
        out: The prepared folder.
        skipped: File -> reason.
        valid: Share of everyone's clips for validation.
        terms: Content of `LICENSES.md`.

    Raises:
        InputError: There are fewer than two clips, or `out` cannot be written.
    """
    if len(rows) < 2:
        shown = "; ".join(f"{file} {fault}" for file, fault in list(skipped.items())[:3])
        raise InputError(f"of the recordings {len(rows)} can be used, 2 are needed: {shown}")
    split = split_clips({row["id"]: row["speaker"] for row in rows}, valid)
    write_manifests(rows, split, out)
    with atomic_write(out / "LICENSES.md") as temporary:
        temporary.write_text(terms, encoding="utf-8")
    (counts,) = count_clips(rows, lambda row: split[row["id"]]).values()
    heard = [row for row in rows if row["language"] == "English" and spoken_words(row["text"])]
    unsure = [files[row["id"]] for row in heard if not row["words"]]
    report = {"speech": {rows[0]["corpus"]: counts}, "skipped": dict(skipped), "unsure": unsure}
    write_json(out / "report.json", report)
    return Prepared(counts, dict(skipped), unsure)


def describe_terms(folder: Path, consent: str) -> str:
    """The content of `LICENSES.md`: where recordings are from, what the speakers agreed to."""
    return _TERMS.format(folder=folder.name, consent=" ".join(consent.split()))


def write_down(
    clips: Sequence[Clip], folder: Path, out: Path, transcribe: Callable[[np.ndarray], str]
) -> list[Clip]:
    """Give clips without a text what a recognizer hears.

    It is kept in `transcripts.csv` (file, text, content), where people may correct it: a text that
    stands there is taken as long as the content of the file is the same.
    """
    from tqdm import tqdm

    table = out / HEARD
    rows = read_table(table, "transcripts", COLUMNS) if table.exists() else []
    known = {row["file"]: row for row in rows}
    mute = [clip for clip in clips if not clip.text]
    try:
        for clip in tqdm(mute, desc="listening", unit="clip"):
            file, content = str(clip.path.relative_to(folder)), file_hash(clip.path)
            if known.get(file, {}).get("content") != content:
                text = transcribe(load_audio(clip.path, ALIGNER_RATE))
                known[file] = {"file": file, "text": text, "content": content}
    finally:  # what was heard before an interruption is not lost
        if known:
            lines = ([known[file][column] for column in COLUMNS] for file in sorted(known))
            write_table(table, COLUMNS, lines)
    return [
        clip if clip.text else replace(clip, text=known[str(clip.path.relative_to(folder))]["text"])
        for clip in clips
    ]


def split_clips(speakers: Mapping[str, str], valid: float) -> dict[str, str]:
    """Assign every clip to "train" or "valid", by a hash of its id within its speaker.

    Args:
        speakers: Clip id -> speaker; at least two clips.
        valid: Share for validation; one clip at least is in it, and one is not.

    Returns:
        Clip id -> split.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for name, speaker in speakers.items():
        members[speaker].append(name)
    held = {n for of in members.values() for n in by_hash(of)[: round(valid * len(of))]}
    most = max(members.values(), key=len)
    held = held or {by_hash(most)[0]}
    if len(held) == len(speakers):
        held.discard(by_hash(held)[0])
    return {name: "valid" if name in held else "train" for name in speakers}


def write_manifests(rows: Sequence[Row], split: Mapping[str, str], out: Path) -> None:
    """Write the manifests, and what is known of levels.

    Clips of a few people have no third that is high or low, so pitch, pace and energy are measured
    and have no names.
    """
    levels = corpus_levels((row["corpus"], row["measured"]["energy_db"]) for row in rows)
    write_json(out / "statistics.json", {"thresholds": {"level_by_corpus": levels}})
    for name in ("valid", "train"):
        part = [with_loudness(row, levels) for row in rows if split[row["id"]] == name]
        cuts = [make_cut(row, name_attributes({}, gender=row["gender"])) for row in part]
        write_cuts(out / "speech" / f"cuts_{name}.jsonl.gz", cuts)
