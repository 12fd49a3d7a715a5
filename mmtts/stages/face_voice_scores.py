"""How well the faces and voices of unseen people find one another; what a linear map achieves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmtts.data.columns import evenly
from mmtts.data.folds import own_recordings, some_people
from mmtts.data.frozen import Table
from mmtts.data.pairs import FaceSpeechData
from mmtts.stages.clip_tables import Speakers
from mmtts.stages.face_start import MOST_PAIRS
from mmtts.stages.validation import cross_modal_scores, ridge, unit

WATCHED = 2000  # held-out pairs: every face is compared with every clip
# What is to find the voice, and how its scores are called.
METHODS = {"z_f": "", "mean": "mean_", "ridge": "ridge_", "nearest": "nearest_"}
SHORT_SCORES = ("auc", "match5", "auc_gender")
BLOCK = 1024  # faces that are compared with all known ones at once

# One row for each pair of a held-out person: face, cut, person (names), gender (-1 = unknown), the
# voice (n, S) and what each method gives the face (n, S); mean_voice (S,) of the training people.
HeldOut = Mapping[str, np.ndarray]


def held_out_scores(held: HeldOut) -> dict[str, float]:
    """`cross_modal_scores` of every method, each face and each clip once.

    Those of z_f have their plain names and are complete; the others are `SHORT_SCORES`.
    """
    faces, clips = one_of_each(held["face"]), one_of_each(held["cut"])
    people, gender = held["person"], held["gender"]
    known = {str(p): str(g) for p, g in zip(people, gender, strict=True) if g >= 0}
    scores: dict[str, float] = {}
    for method, prefix in METHODS.items():
        if method not in held:
            continue
        found = cross_modal_scores(
            held[method][faces],
            held["voice"][clips],
            people[faces].tolist(),
            people[clips].tolist(),
            known,
            held["mean_voice"],
        )
        wanted = SHORT_SCORES if prefix else found
        scores |= {f"{prefix}{name}": found[name] for name in wanted}
    return scores


def one_of_each(names: np.ndarray) -> np.ndarray:
    """Rows (m,) in which names (n,) stand, each name once."""
    return np.sort(np.unique(names, return_index=True)[1])


def baseline_voices(
    data: FaceSpeechData, features: Table, speakers: Speakers
) -> dict[str, np.ndarray]:
    """The voices (n, S) that held-out faces are given without stage 2, by the same features.

    Args:
        data: Whose training pairs are known (those of some people where there are very many), each
            face with the clip of its own recording.
        features: Of the frozen backbone by face, (m, V, F), view 0 the clean one.
        speakers: The speaker's part of z by cut, (k, S).

    Returns:
        "ridge", by ridge regression, and "nearest", the voice of the training face most alike.
    """
    clean = features.view(0)
    pairs = some_people(own_recordings(data.pairs["train"]), MOST_PAIRS)
    seen = unit(clean.take(pairs.column("face")))
    voices = speakers.take(pairs.column("cut"))
    asked = unit(clean.take(data.pairs["valid"].column("face").take(watched_rows(data))))
    weights, offset = ridge(seen, voices)
    mean = seen.mean(0)  # most of what features have in common says nothing
    known, questions = unit(seen - mean), unit(asked - mean)
    blocks = [questions[k : k + BLOCK] for k in range(0, len(questions), BLOCK)]
    likest = np.concatenate([(block @ known.T).argmax(1) for block in blocks])
    return {"ridge": asked @ weights + offset, "nearest": voices[likest]}


def watched_rows(data: FaceSpeechData) -> np.ndarray:
    """Validation pairs whose scores are watched: all, or evenly spread ones of very many."""
    return evenly(len(data.pairs["valid"]), WATCHED)
