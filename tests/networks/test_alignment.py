"""The alignment search against brute force over every monotonic path."""

from itertools import combinations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

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


def frame_by_frame(
    scores: torch.Tensor, phoneme_lens: torch.Tensor, mel_lens: torch.Tensor
) -> torch.Tensor:
    """Algorithm 1 of Glow-TTS in torch, one step per frame: the reference."""
    n_rows, n_phonemes, n_frames = scores.shape
    best = torch.full((n_rows, n_phonemes), -2e9 * n_frames)
    best[:, 0] = scores[:, 0, 0]
    moved = torch.zeros(n_frames, n_rows, n_phonemes, dtype=torch.bool)
    for frame in range(1, n_frames):
        moved[frame, :, 1:] = best[:, :-1] > best[:, 1:]
        best[:, 1:] = torch.maximum(best[:, :-1], best[:, 1:])
        best += scores[:, :, frame]
    phoneme, rows = phoneme_lens - 1, torch.arange(n_rows)
    path = torch.empty(n_rows, n_frames, dtype=torch.long)
    for frame in range(n_frames - 1, -1, -1):
        path[:, frame] = phoneme
        step = moved[frame, rows, phoneme] & (frame < mel_lens) & (phoneme > 0)
        phoneme = phoneme - step.long()
    return path


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Padded scores with their lengths; whole numbers have ties, and windows may contradict."""
    rows, n_phonemes = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    n_frames = n_phonemes + draw(st.integers(0, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scores = 30 * torch.randn(rows, n_phonemes, n_frames, generator=generator)
    if draw(st.booleans()):
        scores = (scores / 30).round()
    if draw(st.booleans()):
        first = torch.randint(0, n_frames, (rows, n_phonemes), generator=generator)
        wide = torch.randint(1, n_frames + 1, (rows, n_phonemes), generator=generator)
        scores = restrict_to_windows(scores, first, first + wide)
    phoneme_lens = torch.randint(1, n_phonemes + 1, (rows,), generator=generator)
    more = torch.rand(rows, generator=generator) * (n_frames - phoneme_lens + 1)
    return scores, phoneme_lens, phoneme_lens + more.long()


@settings(max_examples=200, deadline=None)
@given(batches())
def test_search_equals_the_reference(
    batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    before = batch[0].clone()
    assert torch.equal(search_alignment(*batch), frame_by_frame(*batch))
    assert torch.equal(batch[0], before)


def test_search_takes_any_layout_and_type() -> None:
    torch.manual_seed(3)
    scores = torch.randn(2, 20, 5).transpose(1, 2)
    lens = torch.tensor([5, 3]), torch.tensor([20, 11])
    path = search_alignment(scores, *lens)
    assert torch.equal(path, search_alignment(scores.contiguous(), *lens))
    assert torch.equal(
        search_alignment(scores.bfloat16(), *lens),
        frame_by_frame(scores.bfloat16().float().contiguous(), *lens),
    )


class CountOperations(TorchDispatchMode):
    """Counts tensor operations."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def test_search_has_no_loop_over_frames() -> None:
    scores = torch.randn(15, 100, 470)
    with CountOperations() as operations:
        search_alignment(scores, torch.full((15,), 100), torch.full((15,), 470))
    assert operations.count < 50


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


@pytest.mark.parametrize(("phonemes", "frames"), [(4, 5), (0, 5), (3, 6)])
def test_search_refuses_lengths_that_do_not_fit(phonemes: int, frames: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        search_alignment(torch.zeros(1, 3, 5), torch.tensor([phonemes]), torch.tensor([frames]))


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
