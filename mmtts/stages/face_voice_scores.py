"""How well the faces and voices of unseen people find one another; what a linear map achieves."""

from __future__ import annotations

import numpy as np

from mmtts.data.frozen import Table
from mmtts.data.pairs import FaceSpeechData
from mmtts.stages.validation import cross_modal_scores, ridge, unit


def face_voice_scores(
    data: FaceSpeechData, faces: np.ndarray, voices: np.ndarray, mean: np.ndarray
) -> dict[str, float]:
    """`cross_modal_scores` of the validation pairs, each face and each clip once.

    Args:
        data: Whose validation pairs.
        faces: The voice that each pair's face is given, (n, D).
        voices: z_s of each pair's clip, (n, D).
        mean: Mean of the training voices (D,).
    """
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
        mean,
    )


def ridge_baseline(
    data: FaceSpeechData, features: Table, style: Table, mean: np.ndarray
) -> dict[str, float]:
    """Scores of a ridge regression from the clean backbone features to z_s, on unseen people."""
    rows = {
        split: (
            unit(features.take(p.face for p in pairs)[:, 0]),
            style.take(p.cut for p in pairs),
        )
        for split, pairs in data.pairs.items()
    }
    weights, offset = ridge(*rows["train"])
    x, y = rows["valid"]
    return face_voice_scores(data, x @ weights + offset, y, mean)
