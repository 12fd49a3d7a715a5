"""The alignment search against brute force over every monotonic path."""

from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.networks.alignment import (
    durations_from_path,
    log_likelihood,
    path_from_durations,
    restrict_to_windows,
    search_alignment,
)


def every_path(n_phonemes: int, n_frames: int) -> list[list[int]]:
    """All ways to lay phonemes over frames in order, each at least once."""
    paths = []
    for starts in combinations(range(1, n_frames), n_phonemes - 1):
        bounds = [0, *starts, n_frames]
        paths.append([p for p in range(n_phonemes) for _ in range(bounds[p + 1] - bounds[p])])
    return paths


def total(scores: torch.Tensor, path: list[int]) -> float:
    return float(sum(scores[phoneme, frame] for frame, phoneme in enumerate(path)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 2**31))
def test_search_finds_the_best_of_all_paths(n_phonemes: int, more: int, seed: int) -> None:
    n_frames = n_phonemes + more
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(1, n_phonemes, n_frames, generator=generator)
    path = search_alignment(scores, torch.tensor([n_phonemes]), torch.tensor([n_frames]))
    best = max(total(scores[0], p) for p in every_path(n_phonemes, n_frames))
    assert total(scores[0], path[0].tolist()) == pytest.approx(best, abs=1e-4)
    assert path[0].tolist() in every_path(n_phonemes, n_frames)


def test_search_does_not_depend_on_padding() -> None:
    torch.manual_seed(0)
    scores = torch.randn(1, 4, 9)
    alone = search_alignment(scores, torch.tensor([4]), torch.tensor([9]))
    padded = torch.randn(2, 7, 15)
    padded[0, :4, :9] = scores[0]
    both = search_alignment(padded, torch.tensor([4, 7]), torch.tensor([9, 15]))
    assert torch.equal(both[0, :9], alone[0])
    assert (both[0, 9:] == 3).all()


def test_search_keeps_to_the_windows() -> None:
    torch.manual_seed(1)
    first, last = torch.tensor([[0, 0, 6]]), torch.tensor([[3, 6, 10]])
    scores = restrict_to_windows(torch.randn(1, 3, 10), first, last)
    path = search_alignment(scores, torch.tensor([3]), torch.tensor([10]))[0]
    assert path.tolist().index(2) == 6
    assert path.tolist().index(1) <= 3


def test_search_refuses_more_phonemes_than_frames() -> None:
    with pytest.raises(ValueError, match="fewer mel frames"):
        search_alignment(torch.zeros(1, 3, 2), torch.tensor([3]), torch.tensor([2]))


def test_durations_and_path_are_inverse() -> None:
    durations = torch.tensor([[2, 1, 3], [1, 4, 0]])
    path = path_from_durations(durations)
    assert path.tolist() == [[0, 0, 1, 2, 2, 2], [0, 1, 1, 1, 1, 1]]
    assert torch.equal(durations_from_path(path, durations.sum(1), 3), durations)


def test_log_likelihood_is_the_gaussian_density_up_to_a_constant() -> None:
    torch.manual_seed(2)
    mel, prior = torch.randn(2, 5, 3), torch.randn(2, 4, 3)
    normal = torch.distributions.Normal(prior[:, :, None], 1.0)
    expected = normal.log_prob(mel[:, None]).sum(-1)
    constant = 3 * 0.5 * torch.log(torch.tensor(2 * torch.pi))
    torch.testing.assert_close(log_likelihood(mel, prior), expected + constant)
