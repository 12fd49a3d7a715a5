"""Does it sound like the reference clip, and does a voice stay the same?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmtts.evaluation.findings import REAL
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.evaluation.voices import (
    hear,
    mean_heard,
    mean_style,
    real_embeddings,
    styles_of,
    training_voices,
    voice_judges,
)
from mmtts.metrics.bootstrap import Interval, bootstrap_mean
from mmtts.metrics.diversity import mean_pairwise_distance
from mmtts.metrics.likeness import centered, likeness
from mmtts.metrics.verification import (
    auc_interval,
    eer_interval,
    make_pairs,
    n_way_matching,
    random_others,
    retrieval_top_k,
    roc_curve,
)

CHOICES = 5
SENTENCES_PER_VOICE = 4
LIKENESS = "likeness"
SECS = "plain cosine (SECS)"


class Heard(NamedTuple):
    """What a judge hears, one embedding (D,) for each person (n, D), and the mean voice (D,)."""

    spoken: np.ndarray
    references: np.ndarray
    seconds: np.ndarray
    mean: np.ndarray


def ask_reference(system: System, inquiry: Inquiry) -> None:
    """Compare speech in the voice of a clip with other real clips, and with strangers' clips."""
    people = inquiry.people
    clips = [c for c in people.clips.values() if people.another_clip(c)]
    firsts = {clip.speaker: clip for clip in people.spread(clips, len(clips), "reference")[::-1]}
    owners = people.spread(firsts.values(), inquiry.limit, "reference people")
    if len(owners) < 2:
        return
    others = [other for clip in owners if (other := people.another_clip(clip)) is not None]
    names = [clip.speaker for clip in owners]
    known = training_voices(inquiry)
    judges = voice_judges(system, inquiry, "reference")
    spoken = [
        system.speak(inquiry.sentences[0], system.voice_of_clip(clip))
        for clip in inquiry.each(owners if judges else [], "reference")
    ]
    for judge in judges:
        heard = Heard(
            hear(judge, spoken),
            real_embeddings(inquiry, judge, owners),
            real_embeddings(inquiry, judge, others),
            mean_heard(inquiry, judge, known),
        )
        _add_heard(system, inquiry, heard, names, judge.name)
    mean, condition = mean_style(system, inquiry, known), "styles z of two clips"
    matrix = likeness(styles_of(system, owners), styles_of(system, others), mean)
    add_verification(inquiry, system.name, "reference", condition, matrix, names, names, "z")


def _add_heard(
    system: System, inquiry: Inquiry, heard: Heard, names: Sequence[str], judge: str
) -> None:
    """Add the likenesses of synthesis and of real recordings to real clips, by one judge."""
    strangers = random_others(names, inquiry.people.genders, inquiry.seed)
    for measure, origin in ((LIKENESS, heard.mean), (SECS, np.zeros_like(heard.mean))):
        said, real, second = (centered(vectors, origin) for vectors in heard[:3])
        for owner, what, queries in (
            (system.name, "synthesis", said),
            (REAL, "real recording", real),
        ):
            own = np.sum(queries * second, axis=1)
            other = np.where(strangers >= 0, np.sum(queries * second[strangers], axis=1), np.nan)
            for values, who in (
                (own, "another clip of the person"),
                (other, "a stranger, same gender"),
            ):
                found = bootstrap_mean(values, names, inquiry.seed)
                inquiry.findings.add(
                    owner,
                    "reference",
                    f"{measure} of two clips",
                    f"{what} and {who}",
                    found,
                    judge,
                )
        found = bootstrap_mean(np.sum(said * real, axis=1), names, inquiry.seed)
        title, condition = f"{measure} of two clips", "synthesis and its own reference clip"
        inquiry.findings.add(system.name, "reference", title, condition, found, judge)
    for owner, condition, queries in (
        (system.name, "synthesis", heard.spoken),
        (REAL, "real recording", heard.references),
    ):
        matrix = likeness(queries, heard.seconds, heard.mean)
        add_verification(inquiry, owner, "reference", condition, matrix, names, names, judge)


def add_verification(
    inquiry: Inquiry,
    owner: str,
    question: str,
    condition: str,
    similarity: np.ndarray,
    queries: Sequence[str],
    items: Sequence[str],
    judge: str,
    short: bool = False,
) -> None:
    """Add verification, matching and retrieval of a matrix of likenesses (I, J).

    Args:
        inquiry: Where the rows go.
        owner: System of the rows.
        question: Name of the question.
        condition: Name of the condition.
        similarity: Queries by items.
        queries: The person of each query, (I,).
        items: The person of each item, (J,).
        judge: Whose embeddings these are.
        short: Only the measures that controls and baselines need.
    """
    findings, seed, genders = inquiry.findings, inquiry.seed, inquiry.people.genders
    pairs = make_pairs(similarity, queries, items)
    inside = make_pairs(similarity, queries, items, genders)
    count = len(set(items))

    def add(measure: str, found: Interval, chance: float) -> None:
        findings.add(owner, question, measure, condition, found, judge, chance)

    add("verification AUC", auc_interval(pairs, seed), 0.5)
    add("verification AUC within a gender", auc_interval(inside, seed), 0.5)
    for title, within in (("", None), (" within a gender", genders)):
        found = n_way_matching(similarity, queries, items, CHOICES, within, seed)
        add(f"{CHOICES}-way matching{title}", found, 1 / CHOICES)
    if short:
        return
    add("equal error rate", eer_interval(pairs, seed), 0.5)
    for k in (k for k in (1, 5) if k < count):
        found = retrieval_top_k(similarity, queries, items, k, seed=seed)
        add(f"retrieval top {k} of {count}", found, k / count)
    findings.curves[f"{owner}: {question}, {condition}, {judge}"] = roc_curve(pairs)


def ask_stability(system: System, inquiry: Inquiry) -> None:
    """Compare sentences spoken with one voice, with different voices, and by real people."""
    people = inquiry.people
    judges = voice_judges(system, inquiry, "stability")
    if not judges:
        return
    chosen = people.spread(people.clips.values(), max(2, min(inquiry.limit, 20)), "stability")
    texts = inquiry.sentences[:SENTENCES_PER_VOICE]
    spoken = [
        [system.speak(text, system.voice_of_clip(clip)) for text in texts]
        for clip in inquiry.each(chosen, "stability")
    ]
    names = [clip.speaker for clip in chosen]
    twice = [clip for clip in chosen if people.another_clip(clip)]
    others = [other for clip in twice if (other := people.another_clip(clip)) is not None]
    for judge in judges:
        heard = np.stack([hear(judge, of_voice) for of_voice in spoken])
        mean = mean_heard(inquiry, judge, training_voices(inquiry))
        for measure, origin in ((LIKENESS, mean), (SECS, np.zeros_like(mean))):
            title = f"{measure} of two sentences"
            _add_stability(system, inquiry, title, centered(heard, origin), names, judge.name)
            if twice:
                one, two = (
                    centered(real_embeddings(inquiry, judge, clips), origin)
                    for clips in (twice, others)
                )
                owners = [clip.speaker for clip in twice]
                found = bootstrap_mean(np.sum(one * two, axis=1), owners, inquiry.seed)
                condition = "two recordings of one person"
                inquiry.findings.add(REAL, "stability", title, condition, found, judge.name)


def _add_stability(
    system: System,
    inquiry: Inquiry,
    title: str,
    spoken: np.ndarray,
    names: Sequence[str],
    judge: str,
) -> None:
    """Add how alike sentences of one voice are, and of voices of different people.

    Args:
        system: Who spoke.
        inquiry: Where the rows go.
        title: Name of the measure.
        spoken: (voices, sentences, D) of length 1.
        names: Person of each voice.
        judge: Whose embeddings these are.
    """
    seed = inquiry.seed
    same = [1.0 - mean_pairwise_distance(of_voice) for of_voice in spoken]
    mean = spoken.mean(axis=1)
    strangers = np.asarray(names)[:, None] != np.asarray(names)
    cosines = mean @ mean.T  # of all sentences of one voice with all of another
    different = [
        row[other].mean() if other.any() else np.nan
        for row, other in zip(cosines, strangers, strict=True)
    ]
    for condition, values in (("one voice", same), ("voices of different people", different)):
        found = bootstrap_mean(values, names, seed)
        inquiry.findings.add(system.name, "stability", title, condition, found, judge)
