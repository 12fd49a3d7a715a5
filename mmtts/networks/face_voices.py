"""Voices drawn for a face: as varied as the law has them, but of the sex that the face shows.

What is heard as a man or a woman is the height of a voice, and a law of voices for a face has a
tail on the other side. So a draw has to lie on the side of the face's mean voice.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mmtts.networks.style_sampler import StyleSampler

# Some draws for each of 83 unseen people's faces, heard by F0: .90 of the right gender, the nearest
# of 4 or of 32; .95 on the mean voice's side (.98 where a face is clear), at 9 in 10 parts of the
# variety of styles, 8 in 10 of what is heard. Guidance 2 draws .94 at 7 in 10 parts.
CANDIDATES = 4
TRIED = 8  # as many for each of them, where they have to lie on one side
SHARE = 2 / 3  # of the mean voice's way from the middle


def draw_face_voice(
    sampler: StyleSampler,
    z_f: Tensor,
    guidance: float,
    generator: torch.Generator,
    height: Tensor | None = None,
) -> Tensor:
    """Draw one voice for each face: of some candidates the nearest to the face.

    Args:
        sampler: The law of voices for a face.
        z_f: Faces in the style space `(B, C)`.
        guidance: As for `StyleSampler.sample`.
        generator: Source of the noise, on the faces' device.
        height: The way from low to high voices in the style space `(D,)`; a candidate then has to
            lie two thirds as far that way as the mean voice does, where any of them does. None asks
            nothing of them.

    Returns:
        Unit vectors `(B, D)`.
    """
    if height is None:
        return sampler.sample(z_f, 1, guidance, generator=generator, candidates=CANDIDATES)[:, 0]
    wanted = ((sampler.mean(z_f, guidance) - sampler.center) @ height)[:, None, None]

    def score(z: Tensor) -> Tensor:
        reached = (z - sampler.center) @ height * wanted.sign() >= SHARE * wanted.abs()
        first = reached & (reached.cumsum(-1) <= CANDIDATES)  # as few compete as without a side
        return sampler.nearness(z, z_f[:, None, None]) + 4.0 * first  # a cosine's range is 2

    return sampler.sample(
        z_f, 1, guidance, generator=generator, candidates=CANDIDATES * TRIED, score=score
    )[:, 0]
