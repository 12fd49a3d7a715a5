"""TextrolSpeech: captions of LibriTTS, VCTK and emotional corpora (arXiv 2308.14430).

The published tables lie in `caption/`: `num, wav_fp, item_name, gender, pitch, tempo, energy,
emotion, style_prompt, content_prompt`, after its authors' repository and the loaders of others.
What is low, normal and high was decided by thresholds of its authors, not by ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mmtts.data.corpora.public.style_tables import stream_captions
from mmtts.data.corpora.public.tables import find_tables
from mmtts.data.corpora.records import Caption, License, require

NAME = "textrolspeech"
LICENSE = License(
    "none stated: research only", False, "https://github.com/jishengpeng/TextrolSpeech"
)
# Corpus -> how a path, or a path whose slashes became dashes, ends for a clip of it. The clip's
# name is what the groups hold, joined by "_".
_CLIPS = {
    "mead": r"\b([MW]\d{3})[/-](?:audio[/-])?(\w+)[/-](level_\d)[/-](\d{3})",
    "ravdess": r"\b(03-01(?:-\d\d){5})",
    "cremad": r"\b(\d{4}_[A-Z]{3}_[A-Z]{3}_[A-Z]{1,2})",
    "tess": r"\b([OY]AF_[a-z]+_(?:angry|disgust|fear|happy|neutral|ps|sad))",
    "savee": r"\b((?:DC|JE|JK|KL)_(?:a|d|f|h|n|sa|su)\d\d)",
    "mess": r"\bMESS ?compressed[/-](?:\w+[/-])*(\w+)",
    "esd": r"(?<![\d_])(\d{4}_\d{6})",
    "vctk": r"\b([ps]\d+_\d{3})(?:_mic1)?",
    "libritts": r"(?<![\d_])(\d+_\d+_\d{6}_\d{6})",
}
_ENDS = {corpus: re.compile(pattern + r"(?:\.\w+)?$") for corpus, pattern in _CLIPS.items()}


def clip_of(name: str, libritts: str = "libritts_r") -> str:
    """Return the id of the clip that a path or an item's name means; "" where it means none.

    Args:
        name: `wav_fp` or `item_name`.
        libritts: Which release of LibriTTS is prepared; the names of its clips are the same.

    Example:
        >>> clip_of("emotion_dataset/MEAD/M012/audio/sad/level_3/007.wav")
        'mead-M012_sad_level_3_007'
        >>> clip_of("VCTK-Corpus/wav48/p225/p225_001.wav"), clip_of("../../etc/passwd")
        ('vctk-p225_001_mic1', '')
    """
    for corpus, pattern in _ENDS.items():
        match = pattern.search(name.replace("\\", "/"))
        if match:
            clip = "_".join(match.groups()) + ("_mic1" if corpus == "vctk" else "")
            return f"{libritts if corpus == 'libritts' else corpus}-{clip}"
    return ""


def read_captions(root: Path, libritts: str = "libritts_r") -> Iterator[Caption]:
    """Yield the captions of every `*.csv` in `caption/`, or in `root` itself.

    Captions of contempt are left out: no emotion here is theirs.

    Args:
        root: Where the corpus was unpacked.
        libritts: See `clip_of`.

    Raises:
        InputError: The folder, the tables or a needed column of one is missing.
    """
    for path in find_tables([require(root, NAME) / "caption", root], [".csv"], NAME):
        yield from stream_captions(path, NAME, lambda name: clip_of(name, libritts))
