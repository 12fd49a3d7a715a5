"""Where stage 2 starts: labeled faces teach to read faces, a closed form leads them to voices."""

from __future__ import annotations

import logging

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch.nn import functional as F

from mmtts.data.columns import Rows, Strings, evenly
from mmtts.data.folds import own_recordings, some_people
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import Face
from mmtts.data.pairs import FaceSpeechData
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.face_encoder import FaceEncoder, StyleHead
from mmtts.networks.sphere import leave_sphere
from mmtts.stages.clip_tables import Speakers
from mmtts.stages.discriminant import fit_discriminant
from mmtts.stages.frozen import feature_table

# A closed form compares all faces that it learns from with all their voices: so many pairs take
# seconds, and what more of them could tell, training finds.
MOST_PAIRS = 10_000
MOST_FACES = 100_000  # from which to read gender and age
CHUNK = 8192  # faces looked at together
_GENDERS = {"female": -1.0, "male": 1.0}
_log = logging.getLogger(__name__)


def face_features(
    encoder: FaceEncoder, data: FaceSpeechData, views: int, strategy: Strategy | None
) -> tuple[Table, Table | None]:
    """What a frozen backbone sees: faces of pairs with so many views, and other faces once.

    Of those without a voice there may be millions: without `data.others`, which the teacher
    teaches, only the ones with a label are looked at, see `teach_reading`.
    """
    paired = data.paired_faces()
    features = feature_table(encoder, data.folder, paired, views, strategy=strategy)
    known = data.known_faces()
    if not data.others:
        gender, age = _labels(known)
        known = known.take(np.isfinite(gender) | np.isfinite(age))
    single = sorted({*known.column("face").distinct()} - set(paired))
    if not single:
        return features, None
    return features, feature_table(encoder, data.folder, single, strategy=strategy)


def teach_reading(head: StyleHead, faces: Rows[Face], paired: Table, others: Table | None) -> None:
    """Let a head read gender and age off faces, as far as these are labeled.

    Args:
        head: What learns.
        faces: With or without labels, none of a person who is held out.
        paired: Features of faces with a voice, by face, (m, V, F); view 0 counts.
        others: The same (k, 1, F) of faces without; None where there are none.
    """
    gender, age = _labels(faces)
    labeled = np.flatnonzero(np.isfinite(gender) | np.isfinite(age))
    labeled = labeled[evenly(len(labeled), MOST_FACES)]
    x = torch.from_numpy(_clean_views(faces.column("face").take(labeled), paired, others))
    labels = torch.from_numpy(gender[labeled]), torch.from_numpy(age[labeled])
    head.reading.fit(F.layer_norm(x, x.shape[-1:]), *labels)


def _labels(faces: Rows[Face]) -> tuple[np.ndarray, np.ndarray]:
    """Gender (-1 female, 1 male) and age in years, float32 (n,); NaN where unknown."""
    gender = faces.column("gender").each(lambda cell: _GENDERS.get(cell, np.nan), np.float32)
    return gender, faces.column("age").each(lambda cell: float(cell or "nan"), np.float32)


def _clean_views(faces: Strings, paired: Table, others: Table | None) -> np.ndarray:
    """View 0 (n, F) of faces in one table or the other."""
    first = faces.each({*paired.ids}.__contains__, bool)
    found = np.empty((len(faces), paired.values.shape[-1]), np.float32)
    found[first] = paired.view(0).take(faces.take(first))
    if others is not None:
        found[~first] = others.view(0).take(faces.take(~first))
    return found


@torch.no_grad()
def start_head(head: StyleHead, data: FaceSpeechData, features: Table, speakers: Speakers) -> Table:
    """Let a head start at the discriminant of the training pairs.

    Args:
        head: Its linear map and its origin are set.
        data: Whose training pairs count, those of some people where there are very many.
        features: By face, (m, V, F); view 0 counts.
        speakers: The speaker's part of z by cut, (k, S).

    Returns:
        z_f of the faces of training pairs (n, S), each by a map that never saw the person.
    """
    everyone = own_recordings(data.pairs["train"])
    pairs, clean = some_people(everyone, MOST_PAIRS), features.view(0)
    people = np.array(list(pairs.column("person")))
    voices = speakers.take(pairs.column("cut"))
    shown = head.eval().evidence(torch.from_numpy(clean.take(pairs.column("face"))))
    found = fit_discriminant(shown.numpy().astype(np.float64), voices, people, data.genders())
    _log.info("closed form: the inner folds chose the penalty %g", found.penalty)
    origin = torch.from_numpy(mean_voice(voices, people.tolist())).float()
    # Longer directions learn more slowly; these are about as long as z_f.
    scale = 1.0 / float(np.linalg.norm(found.unseen, axis=1).mean())
    head.linear.weight.copy_(torch.from_numpy(found.weights.T * scale))
    head.linear.bias.copy_(torch.from_numpy(found.offset * scale))
    head.origin.copy_(origin)
    faces = list(pairs.column("face").take(last := pairs.column("face").last_rows()))
    unseen = [leave_sphere(origin, torch.from_numpy(found.unseen).float())[last]]
    # The map knows nobody but the people it was fitted on.
    seen = {*faces}
    strangers = [face for face in everyone.column("face").distinct() if face not in seen]
    for start in range(0, len(strangers), CHUNK):
        x = head.evidence(torch.from_numpy(clean.take(strangers[start : start + CHUNK])))
        away = x.numpy().astype(np.float64) @ found.weights + found.offset
        unseen.append(leave_sphere(origin, torch.from_numpy(away).float()))
    return Table("z_f of strangers", [*faces, *strangers], torch.cat(unseen).numpy())


def start_classes(
    classifier: AMSoftmax, speakers: Speakers, cuts: Strings, people: np.ndarray, size: int
) -> None:
    """Let the classes of people start at their mean voices.

    Args:
        classifier: With a class for each.
        speakers: The speaker's part of z by cut.
        cuts: Clips (n,).
        people: Whose they are, int64 (n,).
        size: How many clips are in the memory at once.
    """
    parts = [slice(start, start + size) for start in range(0, len(people), size)]
    classifier.start_at(
        (torch.from_numpy(speakers.take(cuts[part])), torch.from_numpy(people[part]))
        for part in parts
    )
