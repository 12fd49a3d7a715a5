"""Preparing one shard of a corpus: decode, trim, align, measure, phonemize, and keep a journal."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.audio.files import Audio
from mmtts.audio.word_alignment import WordAligner
from mmtts.data.corpora.records import Clip
from mmtts.data.phoneme_cache import fingerprint
from mmtts.data.preparation import full_id, labels_of
from mmtts.data.prepared import shape_clip
from mmtts.data.shard_folders import ROWS, SKIPPED, read_items, rewriting
from mmtts.data.shard_journal import ShardJournal
from mmtts.text import ENGLISH, FrontEnd
from mmtts.text.front_ends import make_front_end
from mmtts.text.phonemes import encode

Row = dict[str, Any]
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Manner:
    """How clips are prepared.

    Attributes:
        language: Of the texts; words are looked for in English alone.
        denoise: Suppress noise first, see `shape_clip`.
        retry: Try those again that could not be used.
    """

    language: str = ENGLISH.language
    denoise: bool = False
    retry: bool = False

    @property
    def front_end(self) -> FrontEnd:
        """This package's English, or another language from eSpeak NG."""
        if self.language == ENGLISH.language:
            return ENGLISH
        return make_front_end({"front_end": "espeak", "language": self.language})

    def source_of(self, clip: Clip) -> str:
        """Name what a clip is prepared from: changes when the outcome may."""
        return source_of(clip.path, clip.text, clip.span, self.language, self.denoise)


def source_of(path: Path, *facts: Any) -> str:
    """Name a file and facts (JSON-able) by a hash that changes with either.

    The file is told by its size and time, as `rsync` and `make` do: reading millions of files to
    see that nothing changed would take as long as preparing them.
    """
    try:
        stat = path.stat()
        file = (stat.st_size, stat.st_mtime_ns)
    except OSError:
        file = (0, 0)
    return hashlib.sha256(json.dumps((file, *facts)).encode()).hexdigest()[:20]


def prepare_shard(
    folder: Path, manner: Manner, show: bool = False, unusable: Mapping[str, str] = NOTHING
) -> None:
    """Prepare the clips of a shard that are not prepared yet, and mark the shard as finished.

    Whoever is stopped goes on from the journal. A clip that cannot be used is kept with the reason,
    and tried again only when its file, its text or the manner changed.

    Args:
        folder: From `mmtts.data.shard_folders.deal_items`.
        manner: How.
        show: A progress bar over clips.
        unusable: What was in the corpus and became no clip: id -> reason.

    Raises:
        InputError: The shard was not dealt, or another process is at it.
    """
    from tqdm import tqdm

    clips = read_items(folder)
    front_end = manner.front_end
    with ShardJournal(folder) as journal:
        sources = {full_id(clip): manner.source_of(clip) for clip in clips}
        waiting = [clip for clip in clips if _is_waiting(full_id(clip), sources, journal, manner)]
        if waiting:
            (folder / ROWS).unlink(missing_ok=True)
            aligner = WordAligner() if front_end == ENGLISH else None
            for clip in tqdm(waiting, desc=folder.name, unit="clip", disable=not show):
                row, audio = _prepare(clip, manner, aligner, front_end)
                journal.append({**row, "source": sources[row["id"]]}, audio)
        _finish(folder, clips, journal, front_end, unusable)


def _is_waiting(
    name: str, sources: Mapping[str, str], journal: ShardJournal, manner: Manner
) -> bool:
    entry = journal.entries.get(name)
    if entry is None or entry.source != sources[name]:
        return True
    return manner.retry and entry.skipped


def _prepare(
    clip: Clip, manner: Manner, aligner: WordAligner | None, front_end: FrontEnd
) -> tuple[Row, bytes | None]:
    """Prepare one clip; one that cannot be used has the reason in its row and no sound."""
    if aligner is not None:
        aligner.forget()  # so that nothing depends on who prepared which clip before
    try:
        row, audio = shape_clip(clip, aligner, manner.denoise)
    except InputError as error:
        return {"id": full_id(clip), "skipped": str(error)}, None
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # among millions of files some break what others have been fine for
        return {"id": full_id(clip), "skipped": fault_of(clip.path, error)}, None
    row |= {"language": front_end.name, **_phonemes(row["text"], front_end)}
    return row, _flac(audio)


def fault_of(path: Path, error: Exception) -> str:
    """Why a file cannot be used that broke what nobody expected."""
    return f"{path}: {type(error).__name__}: {error!s:.200}"


def _phonemes(text: str, front_end: FrontEnd) -> Row:
    try:
        spoken = encode(text, front_end) if text else None
    except InputError:
        spoken = None
    return {"phonemes": spoken, "phonemes_by": fingerprint(front_end)}


def _flac(audio: Audio) -> bytes:
    import soundfile

    file = io.BytesIO()
    samples = np.clip(audio.samples, -1.0, 1.0)
    soundfile.write(file, samples, audio.sample_rate, subtype="PCM_16", format="FLAC")
    return file.getvalue()


def _finish(
    folder: Path,
    clips: Sequence[Clip],
    journal: ShardJournal,
    front_end: FrontEnd,
    unusable: Mapping[str, str],
) -> None:
    """Write what came out of the shard: by the order of hashes, with the labels of now."""
    usable = [clip for clip in clips if not journal.entries[full_id(clip)].skipped]
    bad = [full_id(clip) for clip in clips if journal.entries[full_id(clip)].skipped]
    reasons = dict(unusable) | {name: journal.row(name)["skipped"] for name in bad}
    with rewriting(folder / SKIPPED) as file:
        for name, reason in reasons.items():
            file.write(json.dumps({"id": name, "skipped": reason}) + "\n")
    with rewriting(folder / ROWS) as file:
        for clip in usable:
            row = journal.row(full_id(clip)) | labels_of(clip)
            if row["phonemes_by"] != fingerprint(front_end):
                row |= _phonemes(row["text"], front_end)
            del row["source"]
            file.write(json.dumps(row) + "\n")
