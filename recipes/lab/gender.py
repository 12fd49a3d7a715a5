"""Step 3 of the lab recipe: the gender of people whom nobody labelled, by their voice.

Most speakers of speech2face have no label, and prompts that name a gender could not be paired with
them. A linear classifier on the average spectrum and the pitch answers only where it is sure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from speech import Row
from tqdm import tqdm

from mmtts.audio.files import load_audio
from mmtts.data.splits import ADULT_AGE, by_hash

CLIPS_PER_PERSON = 3
FOLDS = 5
RIDGE = 100.0
SUREST = 0.4  # +1 is female, -1 male


class Voices(NamedTuple):
    """One row per clip: features (n, K), +1 female, -1 male or 0 unknown, and who speaks."""

    features: np.ndarray
    labels: np.ndarray
    people: list[str]


def estimate_genders(rows: Sequence[Row], out: Path) -> tuple[dict[str, str], dict[str, float]]:
    """Estimate the gender of everyone without a label.

    Returns:
        Person -> "female" or "male" where the classifier is sure; and how it does on labelled
        people of the same corpora whom it was not trained on: {"answered": share, "right": share}.
    """
    corpora = {row["corpus"] for row in rows if row["gender"] is None}
    if not corpora:
        return {}, {}
    voices = _listen(rows, out)
    if len(set(voices.labels[voices.labels != 0])) < 2:
        return {}, {}
    truth = {row["speaker"]: row["gender"] for row in rows if row["gender"]}
    ranked = by_hash(set(voices.people))
    fold_of = {person: rank % FOLDS for rank, person in enumerate(ranked)}
    folds = np.array([fold_of[person] for person in voices.people])
    scores = np.zeros(len(folds))
    for fold in range(FOLDS):
        weights = _fit(voices, (voices.labels != 0) & (folds != fold))
        scores[folds == fold] = voices.features[folds == fold] @ weights
    answers = _decide(voices.people, scores)
    tested = {row["speaker"] for row in rows if row["gender"] and row["corpus"] in corpora}
    given = [answers[person] == truth[person] for person in tested if person in answers]
    quality = {
        "answered": round(len(given) / max(1, len(tested)), 3),
        "right": round(float(np.mean(given)), 3) if given else 0.0,
    }
    return {p: answer for p, answer in answers.items() if p not in truth}, quality


def _listen(rows: Sequence[Row], out: Path) -> Voices:
    """Describe some clips of every adult and of everyone without a label."""
    import torch

    from mmtts.audio.mel import MelSpectrogram

    spectrogram = MelSpectrogram()
    rate = spectrogram.sample_rate
    counts = Counter[str]()
    features, labels, people = [], [], []
    for row in tqdm(rows, desc="genders", unit="clip"):
        counts[row["speaker"]] += 1
        child = row["age"] is not None and row["age"] < ADULT_AGE
        if child or counts[row["speaker"]] > CLIPS_PER_PERSON:
            continue
        mel = spectrogram(torch.from_numpy(load_audio(out / row["audio"], rate))[None])[0].numpy()
        level = mel.mean(axis=1)
        loud = mel[level >= np.quantile(level, 0.4)]
        shape = loud - loud.mean(axis=1, keepdims=True)
        octaves = np.log((row["measured"]["pitch_hz"] or 150.0) / 150.0)
        pitch = [3.0 * np.tanh(4.0 * octaves), 3.0 * octaves]
        features.append(np.concatenate([shape.mean(0), shape.std(0), pitch]))
        labels.append({"female": 1.0, "male": -1.0}.get(row["gender"], 0.0))
        people.append(row["speaker"])
    x = np.stack(features)
    x = (x - x.mean(0)) / (x.std(0) + 1e-6)
    return Voices(np.hstack([x, np.ones((len(x), 1))]), np.array(labels), people)


def _fit(voices: Voices, chosen: np.ndarray) -> np.ndarray:
    """Ridge regression from features to +1 and -1."""
    x, y = voices.features[chosen], voices.labels[chosen]
    return np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ y)


def _decide(people: Sequence[str], scores: np.ndarray) -> dict[str, str]:
    """Average a person's scores; answer only where they are far from zero."""
    of: dict[str, list[float]] = defaultdict(list)
    for person, score in zip(people, scores, strict=True):
        of[person].append(float(score))
    means = {person: float(np.mean(values)) for person, values in of.items()}
    return {p: "female" if m > 0 else "male" for p, m in means.items() if abs(m) > SUREST}


def fill_genders(rows: Sequence[Row], genders: Mapping[str, str]) -> list[Row]:
    """Return the rows with estimated genders, marked by `gender_estimated`."""
    return [
        {**row, "gender": genders[row["speaker"]], "gender_estimated": True}
        if row["speaker"] in genders
        else row
        for row in rows
    ]
