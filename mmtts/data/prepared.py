"""Writing a prepared data folder: trimmed FLAC clips and Lhotse manifests.

`mmtts.data.speech` and `mmtts.data.pairs` read what is written here; `data/README.md` lists the
fields.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.audio.files import Audio, read_audio
from mmtts.audio.loudness import normalize_loudness, trim_silence
from mmtts.audio.manner import measure
from mmtts.audio.noise import suppress_noise
from mmtts.audio.resampling import resample
from mmtts.audio.word_alignment import ALIGNER_RATE, WordAligner, WordSpan
from mmtts.data.attributes import relative_loudness
from mmtts.data.corpora.records import Clip
from mmtts.data.table_files import write_parquet
from mmtts.storage.atomic import atomic_write

HIGHEST_RATE = 24_000  # Hz; corpora of lower rates keep their own
MARGIN_SECONDS = 0.08
SHORTEST_SECONDS = 0.4
Row = dict[str, Any]


def prepare_clip(
    clip: Clip, folder: Path, aligner: WordAligner | None = None, denoise: bool = False
) -> Row:
    """Shape one clip and write it to `folder/audio/<corpus>/<id>.flac`; see `shape_clip`.

    Raises:
        InputError: When the file cannot be decoded, is silent or too short.
    """
    row, audio = shape_clip(clip, aligner, denoise)
    audio.save(folder / row["audio"])
    return row


def shape_clip(
    clip: Clip, aligner: WordAligner | None = None, denoise: bool = False
) -> tuple[Row, Audio]:
    """Decode one clip at its own rate, find its words, trim, measure and normalize it.

    Args:
        clip: What to prepare.
        aligner: Finds the words when the clip has a text; without it silence is found by energy.
        denoise: Suppress noise first, unless the aligner then loses words that it finds in the
            recording as it is.

    Returns:
        A JSON-able row that `make_cut` turns into a manifest line, and what is to be stored.

    Raises:
        InputError: When the file cannot be decoded, is silent or too short.
    """
    audio = read_audio(clip.path)
    if audio.sample_rate > HIGHEST_RATE:
        audio = Audio(resample(audio.samples, audio.sample_rate, HIGHEST_RATE), HIGHEST_RATE)
    if clip.span:
        first, last = (round(second * audio.sample_rate) for second in clip.span)
        audio = Audio(audio.samples[first:last], audio.sample_rate)
    versions = [_without_noise(audio), audio] if denoise else [audio]
    if aligner is None or not clip.text:
        return _shape(clip, versions[0])
    aligned = ((version, _align(version, clip.text, aligner)) for version in versions)
    audio, words = next((pair for pair in aligned if pair[1]), (audio, None))
    return _shape(clip, audio, words, aligner.count_phones(clip.text))


def _without_noise(audio: Audio) -> Audio:
    return Audio(suppress_noise(audio.samples, audio.sample_rate), audio.sample_rate)


def _align(audio: Audio, text: str, aligner: WordAligner) -> list[WordSpan] | None:
    return aligner.align(resample(audio.samples, audio.sample_rate, ALIGNER_RATE), text)


def store_clip(
    clip: Clip,
    audio: Audio,
    folder: Path,
    words: Sequence[WordSpan] | None = None,
    n_phones: int | None = None,
) -> Row:
    """Trim, measure and normalize decoded sound and write it as `prepare_clip` does.

    Args:
        clip: Whose labels are kept; its path is not read.
        audio: The clip; its sample rate is kept.
        folder: The prepared data folder.
        words: Where the words are; silence outside them is cut.
        n_phones: Phones spoken, see `measure`.

    Returns:
        A JSON-able row that `make_cut` turns into a manifest line.

    Raises:
        InputError: When the clip is silent or too short.
    """
    row, shaped = _shape(clip, audio, words, n_phones)
    shaped.save(folder / row["audio"])
    return row


def _shape(
    clip: Clip,
    audio: Audio,
    words: Sequence[WordSpan] | None = None,
    n_phones: int | None = None,
) -> tuple[Row, Audio]:
    rate = audio.sample_rate
    trimmed, words = _trim(audio, words)
    if len(trimmed) < SHORTEST_SECONDS * rate:
        raise InputError(f"{clip.path} holds less than {SHORTEST_SECONDS} s of speech.")
    measured = measure(trimmed, rate, n_phones)
    if measured.energy_db is None:
        raise InputError(f"{clip.path} is silent.")
    row = {
        "id": f"{clip.corpus}-{clip.id}",
        "corpus": clip.corpus,
        "audio": f"audio/{clip.corpus}/{clip.id}.flac",
        "sample_rate": rate,
        "num_samples": len(trimmed),
        "text": clip.text,
        "speaker": clip.speaker,
        "gender": clip.gender,
        "age": clip.age,
        "emotion": clip.emotion,
        "accent": clip.accent,
        "measured": {k: v if v is None else round(v, 3) for k, v in measured._asdict().items()},
        "words": [[w.word, round(w.start, 3), round(w.end, 3)] for w in words or []] or None,
    }
    return row, Audio(normalize_loudness(trimmed, rate), rate)


def _trim(
    audio: Audio, words: Sequence[WordSpan] | None
) -> tuple[np.ndarray, list[WordSpan] | None]:
    """Cut the silence around the words, or around the sound; give the words their new times."""
    rate = audio.sample_rate
    if not words:
        return trim_silence(audio.samples, rate, keep_seconds=MARGIN_SECONDS), None
    first = round(max(0.0, words[0].start - MARGIN_SECONDS) * rate)
    trimmed = audio.samples[first : round((words[-1].end + MARGIN_SECONDS) * rate)]
    shift = first / rate
    return trimmed, [WordSpan(word, start - shift, end - shift) for word, start, end in words]


def with_loudness(row: Row, levels: Mapping[str, float]) -> Row:
    """Add `loudness` to what was measured of a clip: how loud it is for its corpus.

    Args:
        row: From `prepare_clip`.
        levels: Corpus -> median level, see `mmtts.data.attributes.corpus_levels`.
    """
    measured = row["measured"]
    loudness = relative_loudness(measured["energy_db"], levels.get(row["corpus"]))
    return {**row, "measured": {**measured, "loudness": loudness}}


def make_cut(row: Row, names: Mapping[str, str]) -> Row:
    """Return one manifest line, a Lhotse `MonoCut` as plain values.

    They are what its `to_dict` gives, which is slow: it copies every number of a list by itself.

    Args:
        row: From `prepare_clip`; with `phonemes` and `phonemes_by` where they are known.
        names: Attribute name -> value, see `mmtts.data.attributes.name_attributes`.
    """
    seconds = row["num_samples"] / row["sample_rate"]
    recording = {
        "id": row["id"],
        "sources": [{"type": "file", "channels": [0], "source": row["audio"]}],
        "sampling_rate": row["sample_rate"],
        "num_samples": row["num_samples"],
        "duration": seconds,
        "channel_ids": [0],
    }
    return {
        "id": row["id"],
        "start": 0.0,
        "duration": seconds,
        "channel": 0,
        "supervisions": [_supervision(row, names, seconds)],
        "recording": recording,
        "type": "MonoCut",
    }


def _supervision(row: Row, names: Mapping[str, str], seconds: float) -> Row:
    """A Lhotse `SupervisionSegment` as plain values: what is None is left out."""
    said = {
        "id": row["id"],
        "recording_id": row["id"],
        "start": 0.0,
        "duration": seconds,
        "channel": 0,
        "text": row["text"],
        "language": row.get("language", "English"),
        "speaker": row["speaker"],
        "gender": row["gender"],
    }
    custom = {
        "corpus": row["corpus"],
        "age": row["age"],
        "emotion": row["emotion"],
        "accent": row.get("accent", ""),
        "gender_estimated": row.get("gender_estimated", False),
        "attributes": row["measured"],
        "attribute_names": dict(names),
    }
    custom |= {key: row[key] for key in ("phonemes", "phonemes_by") if key in row}
    # Each with its length; the last is a score.
    words = [[word, start, round(end - start, 3), None] for word, start, end in row["words"] or []]
    known = {name: value for name, value in said.items() if value is not None}
    return {**known, "custom": custom, **({"alignment": {"word": words}} if words else {})}


def write_cuts(path: Path, cuts: Iterable[Row]) -> None:
    """Write a `.jsonl.gz` manifest for `lhotse.CutSet.from_file`; equal cuts give equal bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.writelines(zip_cuts(cuts))


def zip_cuts(cuts: Iterable[Row]) -> Iterator[bytes]:
    """Yield the content of a `.jsonl.gz` manifest piece by piece; equal cuts give equal bytes."""
    # zlib writes no time stamp, with which two runs of a recipe would differ.
    gzip = zlib.compressobj(9, wbits=31)
    for cut in cuts:
        yield gzip.compress((json.dumps(cut, ensure_ascii=False) + "\n").encode())
    yield gzip.flush()


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people to read, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        text = json.dumps(value, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table: Parquet if the name ends so, else csv with a header.

    Args:
        path: None becomes an empty cell, in Parquet null.
        columns: Names.
        rows: A cell for each column; in Parquet all of them are text, as they are in csv.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        if path.suffix == ".parquet":
            write_parquet(temporary, columns, rows)
            return
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(["" if v is None else v for v in row] for row in rows)
