"""Cuts: the clips of a prepared folder, read from Lhotse manifests and decoded one by one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.audio.resampling import resample

SPLITS = ("train", "valid", "test")


class Member(NamedTuple):
    """A file in a tar, which is read where it lies: from which byte on, and how many."""

    tar: Path
    offset: int
    size: int

    def read(self) -> bytes:
        """Read its content."""
        with self.tar.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


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
        source: the audio file, or its content, or where in a tar it lies.
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
    source: Path | bytes | Member
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


def manifests(folder: Path, split: str, *, shar: bool = False) -> list[Path]:
    """Find the cut manifests of a split.

    Args:
        folder: prepared data folder.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        shar: those of ``speech/shar/<split>/``, which are taken as well where there is no other.

    Raises:
        InputError: there are none.
    """
    path = folder / "speech" / f"cuts_{split}.jsonl.gz"
    if not shar and path.exists():
        return [path]
    place = folder / "speech" / "shar" / split
    found = sorted(place.glob("cuts.*.jsonl.gz"))
    if split not in SPLITS or not found:
        missing = place if shar else path
        raise InputError(
            f"{missing} does not exist: prepare the data folder {folder} with a recipe."
        )
    return found


def read_clips(folder: Path, split: str, *, shar: bool = False) -> list[Clip]:
    """Read the clips of a split.

    Args:
        folder: prepared data folder; relative audio paths are relative to it.
        split: ``"train"``, ``"valid"`` or ``"test"``.
        shar: see `manifests`; the audio stays in the tars.

    Raises:
        InputError: the split is missing or broken, or has a clip that is not one plain recording.
    """
    return [clip for path in manifests(folder, split, shar=shar) for clip in _read(path, folder)]


def _read(path: Path, folder: Path) -> Iterator[Clip]:
    """Read the clips of one manifest."""
    from lhotse import CutSet

    try:
        in_shar = path.name.startswith("cuts.")
        members = _members(path) if in_shar else {}
        for cut in CutSet.from_jsonl_lazy(path):  # which may have none
            # A source of type "command" would run a program that the manifest names.
            source = plain_source(cut, ("shar",) if in_shar else ("file", "memory"))
            if in_shar:
                yield describe(cut, members[cut.id])
            elif source.type == "memory":
                yield describe(cut, bytes(source.source))
            else:
                yield describe(cut, folder / source.source)
    except InputError:
        raise
    except Exception as error:
        # Lhotse raises whatever its JSON, gzip and tar readers raise.
        raise InputError(f"{path} is no readable cut manifest: {error!r:.200}") from error


def _members(manifest: Path) -> dict[str, Member]:
    """Cut id -> where its audio is in the tar beside a manifest of Shar."""
    tar = manifest.with_name(
        manifest.name.replace("cuts", "recording").replace(".jsonl.gz", ".tar")
    )
    with tarfile.open(tar, "r:") as file:
        audio = [info for info in file if info.isfile() and not info.name.endswith(".json")]
    return {
        info.name.rpartition(".")[0]: Member(tar, info.offset_data, info.size) for info in audio
    }


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


def describe(cut: Any, source: Path | bytes | Member) -> Clip:
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
    try:
        held = clip.source.read() if isinstance(clip.source, Member) else clip.source
        with soundfile.SoundFile(io.BytesIO(held) if isinstance(held, bytes) else held) as file:
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
