"""Can it be understood? Judged by recognizers that took no part in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from mmtts import InputError
from mmtts.audio.word_alignment import spoken_words
from mmtts.metrics.quality import JUDGE_RATE

# Far wider than pocketsphinx's defaults, which prune accented speech before its sentence ends.
# Adults of speechocean762, 20 choices of like length: of 100 clips, beams of 1e-150 identify 92 and
# these 97; of 20 clips, the defaults identify 13 and beams of 1e-150 identify 16.
WIDE_BEAMS = {
    "beam": 1e-300,
    "pbeam": 1e-300,
    "wbeam": 1e-300,
    "lpbeam": 1e-150,
    "lponlybeam": 1e-150,
    "maxhmmpf": -1,
}


class Errors(NamedTuple):
    """Edits that turn what was heard into what was said, and how much was said."""

    words: int
    n_words: int
    characters: int
    n_characters: int


class Edits(NamedTuple):
    """How words that were heard differ from words that were said."""

    insertions: int
    deletions: int
    substitutions: int


class Recognizer(Protocol):
    """Anything that writes down what it hears."""

    name: str

    def transcribe(self, samples: np.ndarray) -> str:
        """Return the words heard in float32 (N,) at 16 kHz."""
        ...


def count_errors(said: str, heard: str) -> Errors:
    """Compare two texts by lower-case words, without punctuation.

    Raises:
        InputError: Nothing was said.
    """
    reference, hypothesis = plain_words(said), plain_words(heard)
    if not reference:
        raise InputError(f"an error rate needs a spoken text, and {said!r} has no word")
    letters, heard_letters = " ".join(reference), " ".join(hypothesis)
    return Errors(
        edit_distance(reference, hypothesis),
        len(reference),
        edit_distance(letters, heard_letters),
        len(letters),
    )


def plain_words(text: str) -> list[str]:
    """Lower-case words of letters, digits and apostrophes."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    kept = "".join(c if c.isalnum() or c == "'" else " " for c in text)
    return [word for word in (word.strip("'") for word in kept.split()) if word]


def edit_distance(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    """Levenshtein distance: fewest insertions, deletions and substitutions."""
    row = list(range(len(hypothesis) + 1))
    for i, said in enumerate(reference, start=1):
        above_left, row[0] = row[0], i
        for j, heard in enumerate(hypothesis, start=1):
            cost = above_left + (said != heard)
            above_left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1]


def count_edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    """Tell the fewest edits apart by kind; of equally few, those with most substitutions."""
    row = [(j, Edits(j, 0, 0)) for j in range(len(hypothesis) + 1)]
    for i, said in enumerate(reference, start=1):
        diagonal, row[0] = row[0], (i, Edits(0, i, 0))
        for j, heard in enumerate(hypothesis, start=1):
            (a, insert), (b, delete), (c, other) = row[j - 1], row[j], diagonal
            miss = int(said != heard)
            diagonal = row[j]
            row[j] = min(
                (c + miss, other._replace(substitutions=other.substitutions + miss)),
                (a + 1, insert._replace(insertions=insert.insertions + 1)),
                (b + 1, delete._replace(deletions=delete.deletions + 1)),
                key=lambda way: way[0],
            )
    return row[-1][1]


class Pocketsphinx:
    """CMU's English recognizer: an HMM of phones with a trigram language model, offline.

    Raises:
        InputError: The package is not installed.
    """

    name = "pocketsphinx"

    def __init__(self) -> None:
        self._decoder = _decoder()

    def transcribe(self, samples: np.ndarray) -> str:
        """Return the words heard in float32 (N,) at 16 kHz."""
        return " ".join(_decode(self._decoder, samples))


class SentenceJudge:
    """Which of N sentences was said: identification instead of free recognition.

    A grammar holds the N sentences side by side, and one Viterbi pass with wide beams chooses the
    best of them. Unlike a word error rate, which is near 100 % for anything a recognizer finds
    strange, this still tells weak models apart; chance is 1 / N.
    """

    name = "pocketsphinx grammar"

    def __init__(self) -> None:
        self._decoder = _decoder(lm=None, lw=1.0, bestpath=False, **WIDE_BEAMS)

    def knows(self, text: str) -> bool:
        """Whether every word of the text is in the dictionary."""
        words = spoken_words(text)
        return words is not None and all(self._decoder.lookup_word(w) for w in words)

    def choose(self, samples: np.ndarray, sentences: Sequence[str]) -> int | None:
        """Return the index of the sentence heard, or None when the audio fits none to its end.

        Args:
            samples: float32 (N,) at 16 kHz.
            sentences: Different texts, all known; see `knows`.

        Raises:
            InputError: A sentence is not known, or two are the same.
        """
        unknown = [text for text in sentences if not self.knows(text)]
        if unknown:
            raise InputError(f"the dictionary lacks a word of {unknown[0]!r}; choose another one")
        words = [tuple(spoken_words(text) or ()) for text in sentences]
        if len(set(words)) < len(words):
            raise InputError("two of the sentences to choose from have the same words")
        grammar = self._decoder.create_fsg("sentences", 0, 1, _transitions(words))
        self._decoder.add_fsg("sentences", grammar)
        self._decoder.activate_search("sentences")
        heard = tuple(_decode(self._decoder, samples))
        return words.index(heard) if heard in words else None


def draw_distractors(
    text: str, pool: Sequence[str], n: int, rng: np.random.Generator, similar_length: bool = True
) -> list[str]:
    """Draw n other sentences to choose from.

    Args:
        text: The right sentence; texts with the same words are left out.
        pool: All sentences.
        n: How many to draw; all others when the pool has fewer.
        rng: Source of the draw.
        similar_length: Draw among the 2 n of the closest length, so that the duration of the clip
            alone does not give the answer away.
    """
    own = spoken_words(text)
    others = sorted({" ".join(w): t for t in pool if (w := spoken_words(t)) and w != own}.values())
    if similar_length:
        others = sorted(others, key=lambda other: abs(len(other) - len(text)))[: 2 * n]
    chosen = rng.permutation(len(others))[:n]
    return [others[i] for i in chosen]


def _transitions(sentences: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
    """Edges of a grammar with one path per sentence from state 0 to state 1."""
    edges: list[tuple[Any, ...]] = []
    free = 2
    for words in sentences:
        state, probability = 0, 1.0 / len(sentences)
        for word in words:
            edges.append((state, free, probability, word))
            state, free, probability = free, free + 1, 1.0
        edges.append((state, 1, 1.0))
    return edges


def _decoder(**options: Any) -> Any:
    try:
        from pocketsphinx import Decoder
    except ImportError as error:
        raise InputError("pocketsphinx is not installed: pip install 'mmtts[eval]'") from error
    return Decoder(samprate=JUDGE_RATE, loglevel="FATAL", **options)


def _decode(decoder: Any, samples: np.ndarray) -> list[str]:
    """Words of the best path through the whole clip, without marks of pronunciation variants."""
    if len(samples) < JUDGE_RATE // 10:  # less than a word; the library refuses an empty buffer
        return []
    pcm = (np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
    decoder.start_stream()  # forgets the noise of the clip before
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()
    best = decoder.hyp()
    return [word.split("(")[0] for word in best.hypstr.split()] if best is not None else []
