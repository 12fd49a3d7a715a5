"""The styles that prompts of faces aim at: stage 2's, and never one of the wrong gender."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, audible
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.validation import ridge
from mmtts.storage.model_folder import check_lineage, load_config, load_network

CANDIDATES = 4  # draws for a face, of which one that does not contradict it is taken
PENALTY = 1e-2  # of the ridge regression
GENDER, AGE = (list(ATTRIBUTES).index(name) for name in ("gender", "age"))
CHILD = ATTRIBUTES["age"].index("child")


def load_face_sampler(stage2: str | None, style_space: str) -> tuple[StyleSampler, str]:
    """Load stage 2's p(z_s | z_f), frozen, and the hash of its model folder.

    Raises:
        InputError: There is no stage 2, or it belongs to another stage 1.
    """
    if stage2 is None:
        raise InputError("faces need stage2=FOLDER; without: stage.data.modalities=[speech]")
    config = load_config(stage2, "face_encoder")
    check_lineage(config, style_space)
    sampler = load_network(Path(stage2), config, "style_sampler", StyleSampler)
    return sampler.requires_grad_(False).eval(), config.sha256


class GenderJudge(nn.Module):
    """Hears the gender in the speaker's part of a style: a ridge regression on training clips.

    Args:
        styles: (n, D) of clips.
        known: int64 (n, 6), what is known of them; children's gender is not heard.
        speaker_dim: S, the width of the speaker's part.
    """

    weight: Tensor
    offset: Tensor

    def __init__(self, styles: np.ndarray, known: np.ndarray, speaker_dim: int) -> None:
        super().__init__()
        self.speaker_dim = speaker_dim
        gender = audible(known)[:, GENDER]
        chosen = gender >= 0
        counts = np.bincount(gender[chosen], minlength=2)
        weight, offset = np.zeros((speaker_dim, 1), np.float32), np.zeros(1, np.float32)
        if counts.all():
            sign = (2.0 * gender[chosen] - 1.0)[:, None]
            shares = 1.0 / counts[gender[chosen]]
            weight, offset = ridge(styles[chosen, :speaker_dim], sign, PENALTY, shares)
        self.register_buffer("weight", torch.from_numpy(weight), persistent=False)
        self.register_buffer("offset", torch.from_numpy(offset), persistent=False)

    def contradicts(self, styles: Tensor, known: Tensor) -> Tensor:
        """Which styles (B, ..., D) sound of another gender than the faces (B, 6) show: (B, ...)."""
        score = (styles[..., : self.speaker_dim] @ self.weight)[..., 0] + self.offset
        gender = torch.where(known[:, AGE] == CHILD, -1, known[:, GENDER])
        sign = torch.where(gender < 0, 0, 2 * gender - 1)
        return score * sign.view(-1, *[1] * (score.dim() - 1)) < 0


@torch.no_grad()
def face_targets(
    sampler: StyleSampler, judge: GenderJudge, faces: Tensor, known: Tensor, mode: str
) -> tuple[Tensor, Tensor]:
    """Choose a style for every face.

    Args:
        sampler: Stage 2's p(z | z_f), frozen.
        judge: Hears whether a style contradicts a face.
        faces: z_f (B, S).
        known: int64 (B, 6), what is known of the faces.
        mode: "mean", or "draw" for the first of `CANDIDATES` draws that does not contradict the
            face, else the mean.

    Returns:
        Styles (B, D), and which of them (B,) may be used: the mean may contradict a face too.
    """
    mean = sampler.mean(faces)
    usable = ~judge.contradicts(mean, known)
    if mode == "mean":
        return mean, usable
    draws = sampler.sample(faces, CANDIDATES)
    accepted = ~judge.contradicts(draws, known)
    first = accepted.int().argmax(1)
    drawn = draws[torch.arange(len(draws), device=draws.device), first]
    found = accepted.any(1)
    return torch.where(found[:, None], drawn, mean), found | usable
