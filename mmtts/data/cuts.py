"""Cuts: the clips of a prepared folder, read from Lhotse manifests and decoded one by one."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.audio.resampling import resample

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance.

    Attributes:
        id: of the cut.
        speaker: unique among all corpora.
        text: what is said; empty where no one wrote it down.
        seconds: length.
        sample_rate: of the source, in Hz.
        words: (start, end) of each spoken word in seconds from the clip's start, or ``None``.
        source: the audio file, or its content.
        start: where the clip begins in the source, in seconds.
        accent: "native", "learner" or another kind of speech; empty where nobody said.
        speed: how much faster, and so higher, it is played than it was recorded.
    """

    id: str
    speaker: str
    text: str
    seconds: float
    sample_rate: int
    words: tuple[tuple[float, float], ...] | None
    source: Path | bytes
    start: float
    accent: str = ""
    speed: float = 1.0

    def num_samples(self, sample_rate: int) -> int:
        """Length in samples at a sample rate."""
        return round(self.seconds * sample_rate)

    def num_frames(self, sample_rate: int, hop_length: int) -> int:
        """Length in frames of a centered spectrogram at a sample rate."""
        return 1 + self.num_samples(sample_rate) // hop_length


def played(clip: Clip, speed: float) -> Clip:
    """Play a clip faster or slower: another voice, whose pitch, resonances and pace are scaled."""
    words = clip.words and tuple((start / speed, end / speed) for start, end in clip.words)
    return replace(
        clip,
        id=f"{clip.id}@{speed:g}",
        speaker=f"{clip.speaker}@{speed:g}",
        seconds=clip.seconds / speed,
        words=words,
        speed=clip.speed * speed,
    )


def read_clips(folder: Path, split: str, *, shar: bool = False) -> list[Clip]:
    """Read the clips of a split.

    Args:
        folder: prepared data folder; relative audio paths are relative to it.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        shar: read ``speech/shar/<split>/`` (Lhotse Shar) instead of the manifest; the compressed
            audio is then kept in memory.

    Raises:
        InputError: the split is missing or broken, or has a clip that is not one plain recording.
    """
    from lhotse import CutSet

    path = folder / "speech" / (f"shar/{split}" if shar else f"cuts_{split}.jsonl.gz")
    if split not in SPLITS or not path.exists():
        raise InputError(f"{path} does not exist: prepare the data folder {folder} with a recipe.")
    try:
        cuts: Iterable[Any] = CutSet.from_shar(in_dir=path) if shar else CutSet.from_file(path)
        return [_read_clip(cut, folder) for cut in cuts]
    except InputError:
        raise
    except Exception as error:
        # Lhotse raises whatever its JSON, gzip and tar readers raise.
        raise InputError(f"{path} is no readable cut manifest: {error}") from error


def _read_clip(cut: Any, folder: Path) -> Clip:
    """Reduce a Lhotse cut to what training needs."""
    # A source of type "command" would run a program that the manifest names.
    source = plain_source(cut, ("file", "memory"))
    is_memory = source.type == "memory"
    return describe(cut, bytes(source.source) if is_memory else folder / source.source)


def plain_source(cut: Any, kinds: Collection[str]) -> Any:
    """Return the one source of a cut.

    Raises:
        InputError: the cut is not one plain recording of these kinds.
    """
    from lhotse import MonoCut

    recording: Any = getattr(cut, "recording", None)
    plain = isinstance(cut, MonoCut) and recording is not None and len(recording.sources) == 1
    if not plain or recording.transforms or recording.sources[0].type not in kinds:
        raise InputError(f"Cut {cut.id!r} is not one plain recording: prepare the data again.")
    return recording.sources[0]


def describe(cut: Any, source: Path | bytes) -> Clip:
    """Reduce a Lhotse cut to what training needs.

    Raises:
        InputError: nobody is said to speak.
    """
    if len(cut.supervisions) != 1 or not cut.supervisions[0].speaker:
        raise InputError(f"Cut {cut.id!r} needs one supervision with a speaker: prepare it again.")
    supervision = cut.supervisions[0]
    alignment = (supervision.alignment or {}).get("word") or []
    words = tuple((item.start, item.start + item.duration) for item in alignment)
    return Clip(
        id=cut.id,
        speaker=supervision.speaker,
        text=(supervision.text or "").strip(),
        seconds=float(cut.duration),
        sample_rate=int(cut.recording.sampling_rate),
        words=words or None,
        source=source,
        start=float(cut.start),
        accent=str((supervision.custom or {}).get("accent") or ""),
    )


def load_samples(
    clip: Clip, sample_rate: int, first: int = 0, count: int | None = None
) -> np.ndarray:
    """Decode a clip or a part of it at a sample rate of one's choice.

    Args:
        clip: what to decode.
        sample_rate: wanted, in Hz.
        first: first sample wanted, at that rate.
        count: how many samples, at that rate; ``None`` for all that follow.

    Returns:
        Mono float32 (count,).

    Raises:
        InputError: the source is missing, broken, too short or not finite.
    """
    import soundfile

    count = clip.num_samples(sample_rate) - first if count is None else count
    source = io.BytesIO(clip.source) if isinstance(clip.source, bytes) else clip.source
    try:
        with soundfile.SoundFile(source) as file:
            rate = file.samplerate
            played = rate * clip.speed  # source samples in a second of the clip
            file.seek(round(clip.start * rate + first / sample_rate * played))
            wanted = round(count / sample_rate * played)
            samples = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        raise InputError(f"Clip {clip.id!r} cannot be decoded: {error}") from error
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    mono = resample(mono, round(played), sample_rate)
    missing = count - len(mono)
    # Rounding of times and rates may cost a few samples, a truncated file costs more.
    if missing > 32:
        raise InputError(f"Clip {clip.id!r} is {missing / sample_rate:.2f} s shorter than it says.")
    if not np.isfinite(mono).all():
        raise InputError(f"Clip {clip.id!r} holds samples that are not finite.")
    return np.pad(mono, (0, missing)) if missing > 0 else mono[:count]
