"""Does the face decide the voice? Beside it: random faces, and a linear map of its features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from mmtts.audio.manner import measure
from mmtts.data.cuts import Clip
from mmtts.data.face_images import read_crops
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.likeness import add_verification
from mmtts.evaluation.system import System
from mmtts.evaluation.unseen_people import Pair
from mmtts.evaluation.voices import (
    MEAN_VOICES,
    hear,
    mean_heard,
    mean_style,
    real_embeddings,
    styles_of,
    training_voices,
    voice_judges,
)
from mmtts.metrics.bootstrap import bootstrap_mean
from mmtts.metrics.likeness import likeness
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.metrics.speakers import LinearProbe
from mmtts.metrics.speech import GENDER_HZ, name_measurements
from mmtts.metrics.verification import random_others
from mmtts.stages.validation import ridge, unit

BATCH = 64
ALL = "all pairs"
JUDGE = "z"
RIDGE = "ridge regression from the same features"


class Seen(NamedTuple):
    """What a face encoder sees in n faces: backbone features (n, F) and z_f (n, S)."""

    features: np.ndarray
    z_f: np.ndarray


def ask_face(system: System, inquiry: Inquiry) -> None:
    """Look for each person's voice by the face: among styles z, and among synthesized clips."""
    pairs = inquiry.people.face_pairs()
    if not system.parts.has("face_encoder") or not pairs:
        return
    known = inquiry.people.training.face_pairs()
    voices = [pair.clip for pair in known] or training_voices(inquiry)
    mean = mean_style(system, inquiry, voices)
    _add_styles(system, inquiry, pairs, mean)
    _add_all_pairs(system, inquiry, known, mean)
    _add_speech(system, inquiry, pairs[: inquiry.limit], voices[:MEAN_VOICES])
    _add_gender_of_styles(system, inquiry, known, pairs)


def _add_styles(system: System, inquiry: Inquiry, pairs: Sequence[Pair], mean: np.ndarray) -> None:
    """Compare the mean voices of faces with z of the clips, one clip per person."""
    faces = _voices_of(system, inquiry.each([pair.face for pair in pairs], "faces"))
    clips = styles_of(system, list(inquiry.each([pair.clip for pair in pairs], "voices")))
    names = [pair.person for pair in pairs]
    _add_with_controls(inquiry, system.name, "style z", likeness(faces, clips, mean), names, JUDGE)


def _add_all_pairs(
    system: System, inquiry: Inquiry, known: Sequence[Pair], mean: np.ndarray
) -> None:
    """Compare every face with every clip of the table: mean voices, z_f, and the ridge regression.

    The ridge regression maps the backbone's features to z; it is fitted on training pairs, one for
    each person, and stands in the table for one clip per person too.
    """
    table = inquiry.people.all_face_pairs()
    of_face = {pair.face: pair.person for pair in table}
    clips = {pair.clip.id: pair.clip for pair in table}
    names = list(of_face.values()), list({pair.clip.id: pair.person for pair in table}.values())
    faces, heard = list(of_face), styles_of(system, list(clips.values()))
    seen = look_at(system, faces)

    def add(condition: str, predicted: np.ndarray) -> None:
        found = likeness(predicted, heard, mean)
        add_verification(inquiry, system.name, "face", condition, found, *names, JUDGE, short=True)

    add(f"style z, {ALL}", _voices_of(system, inquiry.each(faces, "faces")))
    add(f"embedding z_f, {ALL}", seen.z_f)
    if len(known) < 2:
        return
    x = unit(look_at(system, [pair.face for pair in known]).features)
    weights, offset = ridge(x, styles_of(system, [pair.clip for pair in known]))
    predicted = unit(seen.features) @ weights + offset
    add(f"{RIDGE}, {ALL}", predicted)
    row, column = ({key: k for k, key in enumerate(keys)} for keys in (faces, clips))
    single = inquiry.people.face_pairs()
    found = likeness(
        predicted[[row[pair.face] for pair in single]],
        heard[[column[pair.clip.id] for pair in single]],
        mean,
    )
    people = [pair.person for pair in single]
    add_verification(inquiry, system.name, "face", RIDGE, found, people, people, JUDGE, short=True)


def _add_speech(
    system: System, inquiry: Inquiry, pairs: Sequence[Pair], voices: Sequence[Clip]
) -> None:
    """Compare what mean voices say with the clips by judges, and hear its gender.

    The mean of the training voices is taken off.
    """
    genders = inquiry.people.heard_genders
    names = [pair.person for pair in pairs]
    spoken = [
        system.speak(inquiry.sentences[0], system.voice_of_face(pair.face))
        for pair in inquiry.each(pairs, "face speech")
    ]
    for judge in voice_judges(system, inquiry, "face"):
        real = real_embeddings(inquiry, judge, [pair.clip for pair in pairs])
        found = likeness(hear(judge, spoken), real, mean_heard(inquiry, judge, voices))
        _add_with_controls(inquiry, system.name, "synthesized speech", found, names, judge.name)
    right = [
        float(name_measurements(measure(samples, JUDGE_RATE), {})["gender"] == genders[person])
        if person in genders
        else np.nan
        for samples, person in zip(spoken, names, strict=True)
    ]
    heard = bootstrap_mean(right, names, inquiry.seed)
    by = f"F0 by pyworld, {GENDER_HZ:g} Hz"
    inquiry.findings.add(
        system.name, "face", "gender accuracy", "synthesized speech", heard, by, 0.5
    )


def _add_gender_of_styles(
    system: System, inquiry: Inquiry, known: Sequence[Pair], pairs: Sequence[Pair]
) -> None:
    """Read the gender off the mean voices of faces, by a probe on z of training people."""
    genders = inquiry.people.training.heard_genders
    labelled = [pair for pair in known if pair.person in genders]
    female = np.asarray([genders[pair.person] == "female" for pair in labelled], bool)
    asked = [pair for pair in pairs if pair.person in inquiry.people.heard_genders]
    if not asked or female.all() or not female.any():
        return
    probe = LinearProbe(styles_of(system, [pair.clip for pair in labelled]), female)
    wanted = [inquiry.people.heard_genders[pair.person] == "female" for pair in asked]
    right = probe(_voices_of(system, [pair.face for pair in asked])) == np.asarray(wanted)
    found = bootstrap_mean(right.astype(float), [p.person for p in asked], inquiry.seed)
    inquiry.findings.add(
        system.name, "face", "gender accuracy", "style z", found, "probe on z", 0.5
    )


def _add_with_controls(
    inquiry: Inquiry, owner: str, level: str, found: np.ndarray, names: Sequence[str], judge: str
) -> None:
    """Add the rows of a matrix (P, P) whose diagonal is the own person, and of random faces."""
    add_verification(inquiry, owner, "face", level, found, names, names, judge)
    controls = (
        ("random face", None),
        ("random face of the same gender", inquiry.people.genders),
    )
    for title, genders in controls:
        taken = random_others(names, genders, inquiry.seed)
        kept = np.flatnonzero(taken >= 0)
        if len(kept) > 1:
            condition = f"{level}, {title}"
            control = found[taken[kept]][:, kept]
            own = np.asarray(names)[kept].tolist()
            add_verification(inquiry, owner, "face", condition, control, own, own, judge, True)


def _voices_of(system: System, faces: Iterable[Path]) -> np.ndarray:
    """Who speaks in the mean voices of faces: (n, S)."""
    return system.who(system.voice_of_face(face) for face in faces)


@torch.inference_mode()
def look_at(system: System, faces: Sequence[Path]) -> Seen:
    """Run a system's face encoder over aligned crops."""
    encoder, _ = system.parts.face_encoder()
    parts = []
    for start in range(0, len(faces), BATCH):
        crops = read_crops(Path(), [str(face) for face in faces[start : start + BATCH]])
        features = encoder.features(crops.to(system.parts.device))
        parts.append((features.float().cpu(), encoder.head(features).float().cpu()))
    return Seen(*(torch.cat([part[k] for part in parts]).numpy() for k in (0, 1)))
