"""Relational distillation: a student learns who resembles whom from two teachers.

A teacher's embedding has another dimension and another meaning than the student's, so the vectors
cannot be compared; the similarities that they induce within a batch can. Over a batch of B people,

    S(x)_ij = cos(x_i, x_j),        target = mu * S(speech) + (1 - mu) * S(face),

and the student's S(z_f) follows the target off the diagonal (the diagonal is 1 for everybody and
would only dilute the loss). Without it, an embedding that was merely aligned with the voices of a
few hundred people collapses onto them (Niu et al., ICME 2025).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIVERGENCES = ("squared", "kl")


def similarity(x: Tensor) -> Tensor:
    """Cosine similarity of every pair: `(B, D)` -> `(B, B)`, values in [-1, 1]."""
    x = F.normalize(x, dim=-1)
    return x @ x.T


def blend(speech: Tensor | None, face: Tensor | None, mu: float) -> Tensor:
    """Blend the two teachers' similarity matrices: mu * S_speech + (1 - mu) * S_face.

    Args:
        speech: Speech teacher's embeddings `(B, K)`; may be None when mu is 0. Where there are
            fewer than faces, the last faces have no voice, and only the face teacher knows them.
        face: Face teacher's embeddings `(B, L)`, L not necessarily K; may be None when mu is 1.
        mu: Weight of the speech teacher, in [0, 1].

    Returns:
        The target matrix `(B, B)`, without gradient.

    Raises:
        ValueError: A teacher that has weight is absent, or nobody knows the last faces.
    """
    for name, weight, embedding in (("speech", mu, speech), ("face", 1.0 - mu, face)):
        if weight > 0.0 and embedding is None:
            raise ValueError(f"the {name} teacher has weight {weight:g} but gave no embeddings")
    if face is None or (mu == 1.0 and speech is not None and len(speech) == len(face)):
        assert speech is not None
        return similarity(speech.detach())
    target = similarity(face.detach())
    if speech is not None and mu > 0.0:
        n = len(speech)
        target[:n, :n] = torch.lerp(target[:n, :n], similarity(speech.detach()), mu)
    return target


def squared_distance(student: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of two `(B, B)` matrices over the B (B - 1) off-diagonal entries."""
    n = student.shape[0]
    difference = (student - target).square()
    return (difference.sum() - difference.diagonal().sum()) / (n * (n - 1))


def row_divergence(student: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Mean over rows of KL(softmax(target_i / t) || softmax(student_i / t)), diagonal left out.

    Each row becomes a distribution over the B - 1 others: "whom does i resemble?". A small
    temperature looks at the nearest few only, a large one approaches the squared distance.
    """
    n = student.shape[0]
    keep = ~torch.eye(n, dtype=torch.bool, device=student.device)
    log_p = (target[keep].view(n, n - 1) / temperature).log_softmax(-1)
    log_q = (student[keep].view(n, n - 1) / temperature).log_softmax(-1)
    return F.kl_div(log_q, log_p, log_target=True, reduction="batchmean")


class RelationalDistillation(nn.Module):
    """D(S(student), mu * S(speech teacher) + (1 - mu) * S(face teacher)).

    Args:
        mu: Weight of the speech teacher in [0, 1]; 0 listens to the face teacher alone.
        divergence: "squared" (mean squared difference) or "kl" (of the rows' softmax).
        temperature: Of the row softmax, > 0; "squared" ignores it.

    Raises:
        ValueError: A parameter is out of its range.
    """

    def __init__(
        self, mu: float = 0.5, divergence: str = "squared", temperature: float = 0.1
    ) -> None:
        super().__init__()
        if not 0.0 <= mu <= 1.0:
            raise ValueError(f"mu must lie in [0, 1], got {mu:g}")
        if divergence not in DIVERGENCES:
            raise ValueError(f"divergence must be one of {DIVERGENCES}, got {divergence!r}")
        if not (temperature > 0 and math.isfinite(temperature)):
            raise ValueError(f"temperature must be positive, got {temperature:g}")
        self.mu = mu
        self.divergence = divergence
        self.temperature = temperature

    def forward(self, student: Tensor, speech: Tensor | None, face: Tensor | None) -> Tensor:
        """Compare the student with the blend of its teachers.

        Args:
            student: Embeddings `(B, D)` of the same B people as the teachers'.
            speech: Speech teacher `(B, K)`, or None when mu is 0.
            face: Face teacher `(B, L)`, or None when mu is 1.

        Returns:
            Scalar loss, 0 for a batch of one. Gradients reach the student only.
        """
        if student.shape[0] < 2:
            return student.sum() * 0.0
        target = blend(speech, face, self.mu)
        if self.divergence == "kl":
            return row_divergence(similarity(student), target, self.temperature)
        return squared_distance(similarity(student), target)
