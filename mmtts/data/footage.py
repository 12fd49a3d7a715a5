"""Footage into portraits and clips: what corpora of videos need before they are prepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.audio.files import save_audio
from mmtts.audio.noise import suppress_noise
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora.records import Clip, Footage, Portrait
from mmtts.data.face_tracks import Track, Tracking, even_length, find_tracks
from mmtts.data.faces import FaceCropper
from mmtts.data.portraits import FACES, save_portrait
from mmtts.data.stills import Still
from mmtts.data.video import Video

SOUND = "sound"  # folder
_SLACK = 0.1  # seconds by which an aligner's word may lie outside a track
Row = dict[str, Any]


def extract(
    footage: Footage,
    folder: Path,
    cropper: FaceCropper,
    tracking: Tracking | None = None,
    *,
    sample_rate: int = 16_000,
    denoise: bool = False,
) -> Row:
    """Write the portraits of who speaks, and the sound of the same seconds.

    Every track of `mmtts.data.face_tracks` becomes a clip `sound/<corpus>/<person>/<id>-<n>.flac`
    and its portraits `faces/<corpus>/<person>/<id>-<n>-<m>.jpg`. A file of sound alone becomes
    clips without portraits. The same footage gives the same files and the same row again; footage
    that cannot be used leaves no files.

    Args:
        footage: What to extract.
        folder: Where to write.
        cropper: Finds faces and cuts them out.
        tracking: How faces are followed; `Tracking()` by default.
        sample_rate: Of the clips, in Hz.
        denoise: Suppress noise (`mmtts.audio.noise`).

    Returns:
        JSON-able: `clips` (`corpus`, `id`, `audio`, `speaker`, `text`, `gender`, `split`) and
        `portraits` (`corpus`, `id`, `face`, `person`, `gender`, `clip`), paths relative to
        `folder`; see `read_row`.

    Raises:
        InputError: The video is damaged, has no sound, or shows nobody alone; in one sentence.
    """
    row: Row = {"clips": [], "portraits": []}
    takes = _takes(footage, cropper, tracking or Tracking(), sample_rate)
    try:
        for number, (samples, text, stills) in enumerate(takes):
            clip = _clip_row(footage, f"{footage.id}-{number}", text)
            portraits = [_portrait_row(footage, clip["id"], i) for i in range(len(stills))]
            row["clips"].append(clip)
            row["portraits"] += portraits
            clean = suppress_noise(samples, sample_rate) if denoise else samples
            save_audio(folder / clip["audio"], clean, sample_rate)
            for still, portrait in zip(stills, portraits, strict=True):
                save_portrait(folder / portrait["face"], still.crop)
        if not row["clips"]:
            raise InputError(f"{footage.path}: nothing is said while a face is seen.")
    except Exception:
        _remove(row, folder)
        raise
    return row


def read_row(row: Mapping[str, Any], folder: Path) -> tuple[list[Clip], list[Portrait]]:
    """Turn what `extract` returned into the records that preparation takes.

    The pictures of the portraits are aligned crops already.
    """
    clips = [
        Clip(
            corpus=clip["corpus"],
            id=clip["id"],
            path=folder / clip["audio"],
            speaker=clip["speaker"],
            text=clip["text"],
            gender=clip["gender"],
        )
        for clip in row["clips"]
    ]
    portraits = [
        Portrait(
            corpus=portrait["corpus"],
            id=portrait["id"],
            path=folder / portrait["face"],
            person=portrait["person"],
            gender=portrait["gender"],
            clip=portrait["clip"],
        )
        for portrait in row["portraits"]
    ]
    return clips, portraits


def _takes(
    footage: Footage, cropper: FaceCropper, tracking: Tracking, sample_rate: int
) -> Iterator[tuple[np.ndarray, str, Sequence[Still]]]:
    """Yield what becomes a clip: float32 (N,), what is said, and the portraits."""
    with Video(footage.path) as video, Video(footage.path) as heard:
        if not heard.has_sound:
            raise InputError(f"{footage.path} has no sound.")
        if video.has_picture:
            tracks = find_tracks(video, cropper, tracking, footage.span, footage.center)
        else:
            tracks = _stretches(video, tracking, footage.span)
        for track in tracks:
            said = _said(footage, track)
            if said is not None and said[1] - said[0] >= tracking.min_seconds:
                begin, end, text = said
                yield heard.sound(begin, end, sample_rate), text, track.stills


def _stretches(
    video: Video, tracking: Tracking, span: tuple[float, float] | None
) -> Iterator[Track]:
    """Cut sound alone into equal parts: tracks without a face."""
    if video.seconds is None:
        raise InputError(f"{video.path} does not say how long it is: convert it to FLAC.")
    begin, end = span or (0.0, video.seconds)
    end = min(end, video.seconds)
    length = even_length(video, tracking.max_seconds, span)
    nowhere = np.zeros(4)
    for number in range(round((end - begin) / length)):
        start = begin + number * length
        whole = length >= end - begin
        yield Track(start, start + length, nowhere, nowhere, (0, 0), whole=whole)


def _said(footage: Footage, track: Track) -> tuple[float, float, str] | None:
    """Where a track is cut so that no word is cut, and what is said there; None for nothing.

    Without the words' times the text is only that of the whole footage.
    """
    if footage.words is None:
        return track.start, track.end, footage.text if track.whole else ""
    words = footage.words
    low, high = track.start - _SLACK, track.end + _SLACK
    inside = [i for i, word in enumerate(words) if low <= word.start and word.end <= high]
    if not inside:
        return None
    first, last = inside[0], inside[-1]
    begin = max([track.start, *(word.end for word in words[:first])])
    end = min([track.end, *(word.start for word in words[last + 1 :])])
    return begin, end, _text_of(words[first : last + 1])


def _text_of(words: Sequence[WordSpan]) -> str:
    return " ".join(word.word for word in words)


def _remove(row: Row, folder: Path) -> None:
    for path in [r["audio"] for r in row["clips"]] + [r["face"] for r in row["portraits"]]:
        (folder / path).unlink(missing_ok=True)


def _clip_row(footage: Footage, name: str, text: str) -> Row:
    return {
        "corpus": footage.corpus,
        "id": name,
        "audio": f"{SOUND}/{footage.corpus}/{footage.person}/{name}.flac",
        "speaker": footage.person,
        "text": text,
        "gender": footage.gender,
        "split": footage.split,
    }


def _portrait_row(footage: Footage, clip: str, index: int) -> Row:
    name = f"{clip}-{index}"
    return {
        "corpus": footage.corpus,
        "id": name,
        "face": f"{FACES}/{footage.corpus}/{footage.person}/{name}.jpg",
        "person": footage.person,
        "gender": footage.gender,
        "clip": clip,
    }
