"""Does it sound like the reference clip, does the face decide the voice, is a voice stable?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmtts.data.cuts import Clip, load_samples
from mmtts.evaluation.findings import REAL
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.metrics.bootstrap import Interval, bootstrap_mean
from mmtts.metrics.diversity import mean_pairwise_distance
from mmtts.metrics.quality import JUDGE_RATE
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


def ask_reference(system: System, inquiry: Inquiry) -> None:
    """Compare speech in the voice of a clip with other real clips, and with strangers' clips."""
    people, judges, seed = inquiry.people, inquiry.judges, inquiry.seed
    clips = [c for c in people.clips.values() if people.another_clip(c)]
    firsts = {clip.speaker: clip for clip in people.spread(clips, len(clips), "reference")[::-1]}
    owners = people.spread(firsts.values(), inquiry.limit, "reference people")
    if len(owners) < 2:
        return
    others = [other for clip in owners if (other := people.another_clip(clip)) is not None]
    names = [clip.speaker for clip in owners]
    spoken = [
        judges.speakers.embed(system.speak(inquiry.sentences[0], system.voice_of_clip(clip)))
        for clip in inquiry.each(owners, "reference")
    ]
    references, seconds = real_embeddings(inquiry, owners), real_embeddings(inquiry, others)
    strangers = random_others(names, people.genders, seed)
    _add_cosines(inquiry, system.name, "synthesis", np.stack(spoken), seconds, names, strangers)
    _add_cosines(inquiry, REAL, "real recording", references, seconds, names, strangers)
    said = bootstrap_mean(np.sum(np.stack(spoken) * references, axis=1), names, seed)
    measure = "cosine of two clips (SECS)"
    condition = "synthesis and its own reference clip"
    inquiry.findings.add(system.name, "reference", measure, condition, said, judges.speakers.name)
    for owner, condition, queries in (
        (system.name, "synthesis", np.stack(spoken)),
        (REAL, "real recording", references),
    ):
        add_verification(
            inquiry, owner, "reference", condition, queries @ seconds.T, names, "resemblyzer"
        )
    z = [np.stack([system.voice_of_clip(c).vector for c in cs]) for cs in (owners, others)]
    add_verification(
        inquiry,
        system.name,
        "reference",
        "styles z of two clips",
        z[0] @ z[1].T,
        names,
        "cosine of z",
    )


def _add_cosines(
    inquiry: Inquiry,
    owner: str,
    what: str,
    queries: np.ndarray,
    items: np.ndarray,
    names: Sequence[str],
    strangers: np.ndarray,
) -> None:
    """Add the cosine to another clip of the person, and to one of a stranger of the same gender."""
    measure, judge = "cosine of two clips (SECS)", inquiry.judges.speakers.name
    own = np.sum(queries * items, axis=1)
    other = np.where(strangers >= 0, np.sum(queries * items[strangers], axis=1), np.nan)
    for values, who in ((own, "another clip of the person"), (other, "a stranger, same gender")):
        found = bootstrap_mean(values, names, inquiry.seed)
        inquiry.findings.add(owner, "reference", measure, f"{what} and {who}", found, judge)


def ask_face(system: System, inquiry: Inquiry) -> None:
    """Look for each person's voice by the face: among styles z, and among synthesized clips."""
    people, judges = inquiry.people, inquiry.judges
    if not system.parts.has("face_encoder"):
        return
    pairs = people.face_pairs()
    if not pairs:
        return
    names = [pair.person for pair in pairs]
    faces = np.stack([system.voice_of_face(p.face).vector for p in inquiry.each(pairs, "faces")])
    clips = [system.voice_of_clip(pair.clip).vector for pair in inquiry.each(pairs, "voices")]
    _add_face_rows(inquiry, system.name, "style z", faces, np.stack(clips), names, "cosine of z")
    pairs = pairs[: inquiry.limit]
    names = [pair.person for pair in pairs]
    spoken = [
        judges.speakers.embed(system.speak(inquiry.sentences[0], system.voice_of_face(pair.face)))
        for pair in inquiry.each(pairs, "face speech")
    ]
    real = real_embeddings(inquiry, [pair.clip for pair in pairs])
    name = judges.speakers.name
    _add_face_rows(inquiry, system.name, "synthesized speech", np.stack(spoken), real, names, name)


def _add_face_rows(
    inquiry: Inquiry,
    owner: str,
    level: str,
    faces: np.ndarray,
    voices: np.ndarray,
    names: Sequence[str],
    judge: str,
) -> None:
    """Add the rows of the faces and of both random-face controls."""
    similarity = np.asarray(faces, np.float64) @ np.asarray(voices, np.float64).T
    add_verification(inquiry, owner, "face", level, similarity, names, judge)
    controls = (
        ("random face", None),
        ("random face of the same gender", inquiry.people.genders),
    )
    for title, genders in controls:
        taken = random_others(names, genders, inquiry.seed)
        kept = np.flatnonzero(taken >= 0)
        if len(kept) > 1:
            condition = f"{level}, {title}"
            control = similarity[taken[kept]][:, kept]
            own = np.asarray(names)[kept].tolist()
            add_verification(inquiry, owner, "face", condition, control, own, judge, short=True)


def add_verification(
    inquiry: Inquiry,
    owner: str,
    question: str,
    condition: str,
    similarity: np.ndarray,
    names: Sequence[str],
    judge: str,
    short: bool = False,
) -> None:
    """Add verification, matching and retrieval of a matrix (P, P) whose diagonal is the own person.

    Args:
        inquiry: Where the rows go.
        owner: System of the rows.
        question: Name of the question.
        condition: Name of the condition.
        similarity: Queries by items.
        names: The person of each query and of each item.
        judge: Whose embeddings these are.
        short: Only the measures that controls need.
    """
    findings, seed, genders = inquiry.findings, inquiry.seed, inquiry.people.genders
    pairs = make_pairs(similarity, names, names)
    inside = make_pairs(similarity, names, names, genders)
    nobody = 1.0 / max(len(names), 1)

    def add(measure: str, found: Interval, chance: float) -> None:
        findings.add(owner, question, measure, condition, found, judge, chance)

    add("verification AUC", auc_interval(pairs, seed), 0.5)
    add("verification AUC within a gender", auc_interval(inside, seed), 0.5)
    for title, within in (("", None), (" within a gender", genders)):
        found = n_way_matching(similarity, names, names, CHOICES, within, seed)
        add(f"{CHOICES}-way matching{title}", found, 1 / CHOICES)
    if short:
        return
    add("equal error rate", eer_interval(pairs, seed), 0.5)
    for k in (k for k in (1, 5) if k < len(names)):
        found = retrieval_top_k(similarity, names, names, k, seed=seed)
        add(f"retrieval top {k} of {len(names)}", found, k * nobody)
    findings.curves[f"{owner}: {question}, {condition}"] = roc_curve(pairs)


def ask_stability(system: System, inquiry: Inquiry) -> None:
    """Compare sentences spoken with one voice, with different voices, and by real people."""
    people, judges, seed = inquiry.people, inquiry.judges, inquiry.seed
    chosen = people.spread(people.clips.values(), max(2, min(inquiry.limit, 20)), "stability")
    texts = inquiry.sentences[:SENTENCES_PER_VOICE]
    spoken = np.stack(
        [
            judges.embed([system.speak(text, system.voice_of_clip(clip)) for text in texts])
            for clip in inquiry.each(chosen, "stability")
        ]
    )
    names = [clip.speaker for clip in chosen]
    same = [1.0 - mean_pairwise_distance(of_voice) for of_voice in spoken]
    mean = spoken.mean(axis=1)
    strangers = np.asarray(names)[:, None] != np.asarray(names)
    cosines = mean @ mean.T  # of all sentences of one voice with all of another
    different = [
        row[other].mean() if other.any() else np.nan
        for row, other in zip(cosines, strangers, strict=True)
    ]
    add = inquiry.findings.add
    measure, judge = "cosine of two sentences (SECS)", judges.speakers.name
    found = bootstrap_mean(same, names, seed)
    add(system.name, "stability", measure, "one voice", found, judge)
    found = bootstrap_mean(different, names, seed)
    add(system.name, "stability", measure, "voices of different people", found, judge)
    twice = [clip for clip in chosen if people.another_clip(clip)]
    others = [other for clip in twice if (other := people.another_clip(clip)) is not None]
    if twice:
        one, two = real_embeddings(inquiry, twice), real_embeddings(inquiry, others)
        found = bootstrap_mean(np.sum(one * two, axis=1), [c.speaker for c in twice], seed)
        add(REAL, "stability", measure, "two recordings of one person", found, judge)


def real_embeddings(inquiry: Inquiry, clips: Sequence[Clip]) -> np.ndarray:
    """Speaker embeddings (n, 256) of real clips, each computed once for all systems."""
    judges = inquiry.judges

    def embedding_of(clip: Clip) -> Callable[[], np.ndarray]:
        return lambda: judges.speakers.embed(load_samples(clip, JUDGE_RATE))

    return np.stack([judges.remember(("speaker", c.id), embedding_of(c)) for c in clips])
