"""How well the faces and voices of unseen people find one another; what a linear map achieves."""

from __future__ import annotations

import numpy as np

from mmtts.data.frozen import Table
from mmtts.data.pairs import FaceSpeechData
from mmtts.stages.validation import cross_modal_scores, ridge, unit

RIDGE_PENALTY = 1.0


def face_voice_scores(
    data: FaceSpeechData, faces: np.ndarray, voices: np.ndarray
) -> dict[str, float]:
    """`cross_modal_scores` of the validation pairs, each face and each clip once."""
    pairs, batch = data.pairs["valid"], data.all_of("valid")
    face_rows = sorted({pair.face: k for k, pair in enumerate(pairs)}.values())
    clip_rows = sorted({pair.cut: k for k, pair in enumerate(pairs)}.values())
    codes = dict(zip((p.person for p in pairs), batch.gender.tolist(), strict=True))
    return cross_modal_scores(
        faces[face_rows],
        voices[clip_rows],
        [pairs[k].person for k in face_rows],
        [pairs[k].person for k in clip_rows],
        {person: str(code) for person, code in codes.items() if code >= 0},
    )


def ridge_baseline(
    data: FaceSpeechData, features: Table, style: Table, penalty: float = RIDGE_PENALTY
) -> dict[str, float]:
    """Scores of a ridge regression from the clean backbone features to z_s, on unseen people."""
    rows = {
        split: (
            unit(features.take(p.face for p in pairs)[:, 0]),
            style.take(p.cut for p in pairs),
        )
        for split, pairs in data.pairs.items()
    }
    weights, offset = ridge(*rows["train"], penalty)
    # The offset is the average voice: it says nothing about who is who, so it is left out.
    x, y = rows["valid"]
    predicted = unit(x @ weights + offset - rows["train"][1].mean(0))
    return face_voice_scores(data, predicted, unit(y - rows["train"][1].mean(0)))
