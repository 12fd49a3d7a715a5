"""What prompts of faces aim at: one of stage 2's voices, never of the other gender."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mmtts.data.attributes import encode_attributes
from mmtts.stages.face_targets import CANDIDATES, GenderJudge, face_targets

FEMALE, MALE = [-0.8, 0.6, 0.0], [0.8, 0.6, 0.0]


class Law:
    """Gives every face the same draws, and the same mean."""

    def __init__(self, draws: list[list[float]], mean: list[float]) -> None:
        self.draws, self.center = torch.tensor(draws), torch.tensor(mean)

    def sample(self, faces: Tensor, n_samples: int) -> Tensor:
        assert n_samples == len(self.draws) == CANDIDATES
        return self.draws.expand(len(faces), -1, -1)

    def mean(self, faces: Tensor) -> Tensor:
        return self.center.expand(len(faces), -1)


@pytest.fixture(scope="module")
def judge() -> GenderJudge:
    """Men on the right of the first axis; the third, of the manner, would mislead."""
    rng = np.random.default_rng(0)
    male = np.arange(40) % 4 == 0
    styles = np.stack([np.where(male, 0.7, -0.7), np.full(40, 0.6), np.where(male, 5.0, -5.0)], 1)
    styles = (styles + 0.1 * rng.standard_normal(styles.shape)).astype(np.float32)
    known = np.stack([known_of(gender="male" if m else "female").numpy() for m in male])
    return GenderJudge(styles, known, speaker_dim=2)


def known_of(**attributes: str) -> Tensor:
    return encode_attributes(attributes)


FACES = torch.stack(
    [
        known_of(gender="female"),
        known_of(gender="male"),
        known_of(),
        known_of(gender="male", age="child"),
    ]
)


def test_a_style_contradicts_a_face_of_the_other_gender(judge: GenderJudge) -> None:
    styles = torch.tensor([FEMALE, MALE]).expand(4, -1, -1)
    # Whose gender is unknown is contradicted by nothing, and neither is a child.
    assert judge.contradicts(styles, FACES).tolist() == [
        [False, True],
        [True, False],
        [False, False],
        [False, False],
    ]


def test_the_first_draw_of_the_right_gender_is_taken(judge: GenderJudge) -> None:
    law = Law([MALE, MALE, FEMALE, MALE], [0.0, 1.0, 0.0])
    styles, usable = face_targets(law, judge, torch.zeros(4, 2), FACES, "draw")
    torch.testing.assert_close(styles, torch.tensor([FEMALE, MALE, MALE, MALE]))
    assert usable.all()


def test_without_one_the_mean_is_taken_and_a_wrong_mean_is_of_no_use(judge: GenderJudge) -> None:
    law = Law([MALE] * CANDIDATES, FEMALE)
    styles, usable = face_targets(law, judge, torch.zeros(2, 2), FACES[:2], "draw")
    torch.testing.assert_close(styles, torch.tensor([FEMALE, MALE]))
    assert usable.tolist() == [True, True]
    law = Law([MALE] * CANDIDATES, MALE)
    for mode in ("draw", "mean"):
        _, usable = face_targets(law, judge, torch.zeros(2, 2), FACES[:2], mode)
        assert usable.tolist() == [False, True]


def test_without_both_genders_among_the_clips_nothing_contradicts() -> None:
    judge = GenderJudge(np.eye(3, dtype=np.float32), np.full((3, 6), -1), 2)
    assert not judge.contradicts(torch.tensor([FEMALE, MALE]), FACES[:2]).any()
