"""Tables of one caption a row, with the clip it was written for and labels of the clip's style."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from mmtts.data.corpora.public.tables import stream_csv
from mmtts.data.corpora.records import Caption, gender_of
from mmtts.data.corpora.wording import named

# Releases differ in how they call the same column.
COLUMNS = {
    "clip": ("wav_fp", "wav_path", "audio_path", "path", "item_name", "item", "name", "utt_id"),
    "gender": ("gender", "sex"),
    "pitch": ("pitch",),
    "pace": ("tempo", "dur", "speaking_speed", "speed", "speaking_rate", "duration"),
    "energy": ("energy", "volume", "loudness"),
    "emotion": ("emotion",),
    "text": ("style_prompt", "text_prompt", "prompt", "style_description", "caption"),
}
LEVELS = {"low": "low", "normal": "normal", "medium": "normal", "middle": "normal", "high": "high"}
PACES = {
    "low": "slow",
    "slow": "slow",
    "normal": "normal",
    "medium": "normal",
    "middle": "normal",
    "high": "fast",
    "fast": "fast",
}
EMOTIONS = {
    "angry": "angry",
    "anger": "angry",
    "calm": "calm",
    "disgust": "disgusted",
    "disgusted": "disgusted",
    "fear": "fearful",
    "fearful": "fearful",
    "happy": "happy",
    "happiness": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "sadness": "sad",
    "surprise": "surprised",
    "surprised": "surprised",
}
# A caption that voices contempt has no value among the emotions; it must not count as unspecific.
LEFT_OUT = {"contempt"}


def stream_captions(path: Path, corpus: str, clip_of: Callable[[str], str]) -> Iterator[Caption]:
    """Yield the caption of every row.

    Labels of another spelling than those above are unknown.

    Args:
        path: Table with the columns above; without labels they are all unknown.
        corpus: Name of the source.
        clip_of: What a path or a name of a clip says of it: its id, or "".

    Raises:
        InputError: The table cannot be read, has no captions, or names no clips.
    """
    for row in stream_csv(path, corpus, COLUMNS, needed=("text", "clip")):
        text = " ".join(row["text"].split())
        emotion = row["emotion"].lower()
        if emotion in LEFT_OUT:
            continue
        labels = {
            "gender": gender_of(row["gender"]),
            "pitch": LEVELS.get(row["pitch"].lower()),
            "pace": PACES.get(row["pace"].lower()),
            "energy": LEVELS.get(row["energy"].lower()),
            "emotion": EMOTIONS.get(emotion),
        }
        known = {name: value for name, value in labels.items() if value}
        yield Caption(corpus, text, clip_of(row["clip"]), named(text, labels), known=known)
