"""Trials of speaker verification: two clips, of one speaker or of two?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmtts.metrics.diversity import unit_rows
from mmtts.metrics.verification import Pairs, equal_error_rate

FEWEST_PEOPLE = 5  # with two clips each, for a number of their own


def corpus_of(speaker: str) -> str:
    """Corpus of a speaker, which stands in front of the name: "vctk" of "vctk-p225"."""
    return speaker.partition("-")[0]


def make_trials(
    vectors: np.ndarray, speakers: Sequence[str], genders: Mapping[str, str] | None = None
) -> Pairs:
    """Compare every two clips of one corpus, once, by the cosine of their embeddings.

    Clips of two corpora are no trial: they are told apart by how they were recorded.

    Args:
        vectors: Embeddings (n, D), none of them zero.
        speakers: Who speaks in each, (n,), with the corpus in front.
        genders: Speaker -> gender; when given, only pairs of one known gender are kept.
    """
    names, who = np.unique(np.asarray(speakers), return_inverse=True)
    corpus = np.asarray([corpus_of(str(name)) for name in names])[who]
    left, right = np.triu_indices(len(who), k=1)
    kept = corpus[left] == corpus[right]
    if genders is not None:
        gender = np.asarray([genders.get(str(name), "") for name in names])[who]
        kept &= (gender[left] == gender[right]) & (gender[left] != "")
    left, right = left[kept], right[kept]
    rows = unit_rows(vectors)
    score = np.sum(rows[left] * rows[right], axis=1)
    order = np.argsort(-score, kind="stable")
    left, right = who[left[order]], who[right[order]]
    return Pairs(score[order], left == right, left, right, len(names))


def errors_by_corpus(vectors: np.ndarray, speakers: Sequence[str]) -> dict[str, float]:
    """Equal error rate of each corpus in which `FEWEST_PEOPLE` have two clips or more.

    The arguments are those of `make_trials`.
    """
    names = np.asarray(speakers)
    corpora = np.asarray([corpus_of(str(name)) for name in names])
    found = {}
    for corpus in np.unique(corpora):
        trials = make_trials(vectors[corpora == corpus], names[corpora == corpus].tolist())
        if count_people(trials) >= FEWEST_PEOPLE:
            found[str(corpus)] = equal_error_rate(trials)
    return found


def count_people(trials: Pairs) -> int:
    """Count the people who have a trial of their own."""
    return len(np.unique(trials.left[trials.same]))
