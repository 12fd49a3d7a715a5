"""Where stage 2 starts: labeled faces teach to read faces, a closed form leads them to voices."""

from __future__ import annotations

import logging

import numpy as np
import torch
from lightning.pytorch.strategies import Strategy
from torch import Tensor
from torch.nn import functional as F

from mmtts.data.folds import own_recordings
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import Face
from mmtts.data.pairs import FaceSpeechData
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.face_encoder import FaceEncoder, StyleHead
from mmtts.networks.sphere import leave_sphere
from mmtts.stages.discriminant import fit_discriminant
from mmtts.stages.frozen import feature_table

_GENDERS = {"female": -1.0, "male": 1.0}
_log = logging.getLogger(__name__)


def face_features(
    encoder: FaceEncoder, data: FaceSpeechData, views: int, strategy: Strategy | None
) -> tuple[Table, Table | None]:
    """What a frozen backbone sees: faces of pairs with so many views, and all other faces once."""
    paired = data.paired_faces()
    features = feature_table(encoder, data.folder, paired, views, strategy=strategy)
    single = sorted({face.face for face in data.known_faces()} - set(paired))
    if not single:
        return features, None
    return features, feature_table(encoder, data.folder, single, strategy=strategy)


def teach_reading(head: StyleHead, faces: list[Face], paired: Table, others: Table | None) -> None:
    """Let a head read gender and age off faces, as far as these are labeled.

    Args:
        head: What learns.
        faces: With or without labels, none of a person who is held out.
        paired: Features of faces with a voice, by face, (m, V, F); view 0 counts.
        others: The same (k, 1, F) of faces without; None where there are none.
    """
    tables = [paired] if others is None else [paired, others]
    ids = [face for table in tables for face in table.ids]
    known = Table(paired.name, ids, np.concatenate([table.values[:, 0] for table in tables]))
    x = torch.from_numpy(known.take(face.face for face in faces))
    gender = torch.tensor([_GENDERS.get(face.gender, float("nan")) for face in faces])
    age = torch.tensor([float(face.age or "nan") for face in faces])
    head.reading.fit(F.layer_norm(x, x.shape[-1:]), gender, age)


@torch.no_grad()
def start_head(head: StyleHead, data: FaceSpeechData, features: Table, speakers: Table) -> Tensor:
    """Let a head start at the discriminant of the training pairs.

    Args:
        head: Its linear map and its origin are set.
        data: Whose training pairs count.
        features: By face, (m, V, F); view 0 counts.
        speakers: The speaker's part of z by cut, (k, S).

    Returns:
        z_f of the training pairs (n, S), each by a map that never saw the person.
    """
    pairs = own_recordings(data.pairs["train"])
    people = np.array([pair.person for pair in pairs])
    voices = speakers.take(pair.cut for pair in pairs)
    faces = [pair.face for pair in pairs]
    shown = head.eval().evidence(torch.from_numpy(features.take(faces)[:, 0]))
    found = fit_discriminant(shown.numpy().astype(np.float64), voices, people, data.genders())
    _log.info("closed form: the inner folds chose the penalty %g", found.penalty)
    origin = torch.from_numpy(mean_voice(voices, people.tolist())).float()
    # Longer directions learn more slowly; these are about as long as z_f.
    scale = 1.0 / float(np.linalg.norm(found.unseen, axis=1).mean())
    head.linear.weight.copy_(torch.from_numpy(found.weights.T * scale))
    head.linear.bias.copy_(torch.from_numpy(found.offset * scale))
    head.origin.copy_(origin)
    unseen = leave_sphere(origin, torch.from_numpy(found.unseen).float())
    row = {face: k for k, face in enumerate(faces)}
    return unseen[[row[pair.face] for pair in data.pairs["train"]]]
