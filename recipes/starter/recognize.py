"""Find what is said in clips without a text, where a recognizer is sure of it.

python recipes/starter/recognize.py --corpora ../shared/data --whisper base.en --out stretches.csv
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mmtts import InputError
from mmtts.audio.files import load_audio
from mmtts.command.one_sentence import one_sentence
from mmtts.data.corpora import librispeech
from mmtts.data.prepared import write_table

RATE = 16_000  # Hz, of the recognizer
PAUSE_SECONDS = 0.18  # between two phrases
LEAST_SURE, SURE_ON_AVERAGE = 0.4, 0.85  # of a word, and of a phrase
FEWEST_WORDS = 3
JOINED_SECONDS = 0.6  # phrases this close become one stretch
LONGEST_SECONDS = 12.0
MARGIN_SECONDS = 0.12

Phrase = list[Any]  # words with word, start, end (seconds) and probability


def phrases(words: Sequence[Any]) -> Iterator[Phrase]:
    """Split words at pauses."""
    phrase: Phrase = []
    for word in words:
        if phrase and word.start - phrase[-1].end >= PAUSE_SECONDS:
            yield phrase
            phrase = []
        phrase.append(word)
    if phrase:
        yield phrase


def is_sure(phrase: Phrase) -> bool:
    """Whether the recognizer is sure of a phrase, and it can be aligned."""
    sure = [word.probability for word in phrase]
    plain = not re.search(r"\d", "".join(word.word for word in phrase))
    enough = len(phrase) >= FEWEST_WORDS and sum(sure) / len(sure) >= SURE_ON_AVERAGE
    return plain and enough and min(sure) >= LEAST_SURE


def stretches(words: Sequence[Any]) -> list[Phrase]:
    """Join neighboring phrases of which the recognizer is sure."""
    found: list[Phrase] = []
    last: Phrase = []
    for phrase in phrases(words):
        if not is_sure(phrase):
            last = []
            continue
        near = last and phrase[0].start - last[-1].end < JOINED_SECONDS
        if near and phrase[-1].end - last[0].start <= LONGEST_SECONDS:
            last += phrase
        else:
            last = list(phrase)
            found.append(last)
    return found


@one_sentence
def main() -> None:
    """Write file, start, end and text of every stretch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/data"))
    parser.add_argument("--whisper", default="base.en", help="a model's folder, or its name")
    parser.add_argument("--out", type=Path, default=Path("recipes/starter/stretches.csv"))
    options = parser.parse_args()
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise InputError(f"{error}; pip install faster-whisper") from error
    recognizer = WhisperModel(options.whisper, device="cpu", compute_type="int8", cpu_threads=1)
    clips = librispeech.read_clips(options.corpora / "librispeech_clips")
    rows = []
    for clip in tqdm([clip for clip in clips if not clip.text], unit="clip"):
        heard, _ = recognizer.transcribe(
            load_audio(clip.path, RATE),
            language="en",
            beam_size=5,
            word_timestamps=True,
            condition_on_previous_text=False,
        )
        words = [word for segment in heard for word in segment.words or []]
        for stretch in stretches(words):
            start, end = stretch[0].start - MARGIN_SECONDS, stretch[-1].end + MARGIN_SECONDS
            text = "".join(word.word for word in stretch).strip()
            rows.append((clip.path.name, f"{max(0.0, start):.2f}", f"{end:.2f}", text))
    write_table(options.out, ("file", "start", "end", "text"), rows)


if __name__ == "__main__":
    main()
