"""Narrower queries and keys under rotation, in float64, against sums over all pairs by hand."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmtts.compression.distances import FAR, FAR_SHARE, Distances
from mmtts.compression.elimination import eliminate_pairs, pair_costs
from mmtts.compression.rotary import PairSystem, RotaryScores, complex_basis
from mmtts.compression.solvers import pair_channels, pair_selection

LAYOUTS: list[Any] = ["half", "interleaved"]
shapes = st.tuples(
    st.sampled_from(LAYOUTS), st.booleans(), st.integers(2, 4), st.integers(1, 2),
    st.integers(0, 10_000),
)  # fmt: skip


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moments(groups: int, width: int, seed: int) -> Tensor:
    x = normal(groups, 40, width, seed=seed) @ normal(groups, width, width, seed=seed + 1)
    return x.mT @ x / 40


def distances(causal: bool, length: int = 6) -> Distances:
    found = Distances(causal)
    found.add(torch.ones(1, length, dtype=torch.bool), torch.ones(1))
    return found


def frequencies(groups: int, half: int) -> Tensor:
    return (0.9 ** torch.arange(half) / (1 + torch.arange(half))).double().repeat(groups, 1)


def problem(shape: tuple[Any, bool, int, int, int]) -> RotaryScores:
    layout, causal, half, groups, seed = shape
    query, key = (moments(groups, 2 * half, seed + 7 * i) for i in range(2))
    return RotaryScores(query, key, frequencies(groups, half), distances(causal), layout)


def first(scores: RotaryScores, kept: int) -> Tensor:
    return torch.arange(kept).repeat(len(scores.frequencies), 1)


def turn(angles: Tensor, layout: Any) -> Tensor:
    """Rotation matrix of row vectors by hand, for the angles of all pairs."""
    width = 2 * len(angles)
    matrix = torch.zeros(width, width, dtype=torch.float64)
    for pair, angle in enumerate(angles):
        a, b = pair_channels(torch.tensor([pair]), width, layout).tolist()
        matrix[a, a] = matrix[b, b] = angle.cos()
        matrix[a, b], matrix[b, a] = angle.sin(), -angle.sin()
    return matrix


@settings(max_examples=20, deadline=None)
@given(shapes)
def test_the_basis_makes_rotations_diagonal(shape: tuple[Any, bool, int, int, int]) -> None:
    layout, _, half, _, seed = shape
    basis, angles = complex_basis(2 * half, layout), normal(half, seed=seed)
    ways = torch.exp(1j * torch.cat([angles, -angles]))
    rotation = basis @ torch.diag(ways) @ basis.mH
    torch.testing.assert_close(rotation.real, turn(angles, layout), atol=1e-12, rtol=0)
    assert float(rotation.imag.abs().max()) < 1e-12


def loss_by_hand(scores: RotaryScores, pairs: Tensor, query_map: Tensor, key_map: Tensor) -> Tensor:
    """Sum over distances of w |G_q^1/2 (R - B_q R' B_k^T) G_k^1/2|^2."""
    counts = scores.distances.weights()
    total = torch.zeros(len(pairs), dtype=torch.float64)
    weights = 0.0
    query, key = ((scores.basis @ m @ scores.basis.mH).real for m in (scores.query, scores.key))
    signs = [1] if scores.distances.causal else [1, -1]
    for distance, weight in enumerate(counts.tolist()):
        for sign in signs:
            weights += weight
            for group in range(len(pairs)):
                angles = sign * distance * scores.frequencies[group]
                wide = turn(angles, scores.layout)
                narrow = turn(angles[pairs[group]], scores.layout)
                missed = wide - query_map[group] @ narrow @ key_map[group].T
                total[group] += weight * (query[group] @ missed @ key[group] @ missed.T).trace()
    return total / weights


@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(1, 4), st.booleans())
def test_the_loss_is_the_error_over_all_pairs_and_distances(
    shape: tuple[Any, bool, int, int, int], kept: int, refitted: bool
) -> None:
    scores = problem(shape)
    pairs = first(scores, min(kept, shape[2]))
    maps = scores.refit(pairs) if refitted else scores.prune(pairs)
    expected = loss_by_hand(scores, pairs, maps.query_map, maps.key_map)
    assert float(((maps.loss - expected) / scores.total).abs().max()) < 1e-9
    nothing = torch.zeros_like(maps.query_map)
    whole = loss_by_hand(scores, pairs, nothing, nothing)
    torch.testing.assert_close(scores.total, whole, atol=0, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(shapes)
def test_refits_never_lose_more_fall_with_rank_and_are_exact_at_full_width(
    shape: tuple[Any, bool, int, int, int],
) -> None:
    scores = problem(shape)
    order = eliminate_pairs(scores)
    half = shape[2]
    assert order.sort(dim=1).values.tolist() == first(scores, half).tolist()
    before = scores.total
    for kept in range(1, half + 1):
        pairs = order[:, :kept].sort(dim=1).values
        pruned, refitted = scores.prune(pairs), scores.refit(pairs)
        assert (refitted.loss <= pruned.loss + 1e-12 * scores.total).all()
        assert (refitted.loss <= 1.01 * before + 1e-12 * scores.total).all()
        before = refitted.loss
    assert (before <= 1e-12 * scores.total).all()
    torch.testing.assert_close(refitted.query_map, pruned.query_map, atol=1e-9, rtol=0)


def test_a_step_is_the_least_squares_solution_and_does_not_depend_on_the_queries() -> None:
    shape = ("half", True, 4, 1, 3)
    scores = problem(shape)
    system, pairs = PairSystem(scores, first(scores, 2)), first(scores, 2)
    maps = system.enter(pair_selection(pairs, 8, "half"))
    stepped = system.step(maps, maps, scores.key, backward=False)
    best = float(loss_by_hand(scores, pairs, system.leave(stepped), system.leave(maps)))
    for seed in range(20):
        other = system.leave(stepped) + 1e-3 * normal(1, 8, 4, seed=seed)
        assert float(loss_by_hand(scores, pairs, other, system.leave(maps))) > best
    backward = system.step(maps, maps, scores.query, backward=True)
    best = float(loss_by_hand(scores, pairs, system.leave(maps), system.leave(backward)))
    for seed in range(20):
        other = system.leave(backward) + 1e-3 * normal(1, 8, 4, seed=seed)
        assert float(loss_by_hand(scores, pairs, system.leave(maps), other)) > best


def test_the_cost_of_a_pair_is_what_one_side_loses_refitted() -> None:
    scores = problem(("interleaved", True, 4, 2, 5))
    system = PairSystem(scores, first(scores, 4))
    whole = system.enter(pair_selection(first(scores, 4), 8, "interleaved"))
    costs = pair_costs(system.system(whole, scores.key, False), whole, scores.query)
    for pair in range(4):
        left = [p for p in range(4) if p != pair]
        smaller = PairSystem(scores, torch.tensor([left, left]))
        maps = smaller.enter(pair_selection(torch.tensor([left, left]), 8, "interleaved"))
        stepped = smaller.step(maps, maps, scores.key, backward=False)
        torch.testing.assert_close(costs[:, pair], smaller.loss(stepped, maps), atol=0, rtol=1e-6)


def test_refitting_lowers_the_error_of_pruned_pairs_by_far() -> None:
    width, groups = 32, 2
    factors = normal(groups, width, 10, seed=1)  # queries and keys of few directions
    key = factors @ factors.mT + 0.01 * torch.eye(width)
    slow = (10_000.0 ** (-torch.arange(0, width, 2) / width)).double().repeat(groups, 1)
    scores = RotaryScores(moments(groups, width, 9), key, slow, distances(True, 64), "half")
    pairs = eliminate_pairs(scores)[:, :12].sort(dim=1).values
    assert (scores.refit(pairs).loss < 0.2 * scores.prune(pairs).loss).all()


@pytest.mark.parametrize("causal", [True, False])
def test_distances_are_counted_between_valid_positions(causal: bool) -> None:
    found = Distances(causal)
    valid = torch.tensor([[True, True, False, True], [True, False, False, False]])
    found.add(valid, torch.tensor([2.0, 1.0]))
    torch.testing.assert_close(found.counts, torch.tensor([7.0, 2.0, 2.0, 2.0]).double())
    found.add(torch.ones(1, 2, dtype=torch.bool), torch.ones(1))
    torch.testing.assert_close(found.counts, torch.tensor([9.0, 3.0, 2.0, 2.0]).double())
    weights = found.weights()
    assert float(weights.sum()) == pytest.approx(1)
    torch.testing.assert_close(weights[:4], found.counts / 16, atol=FAR_SHARE, rtol=0)
    assert len(weights) == FAR * 4 and (weights[4:] > 0).all()
    assert float(weights[4:].sum()) < FAR_SHARE
    zero, other = torch.zeros(1, 1), torch.full((1, 1), 0.3)
    angles = 0.3 * torch.arange(FAR * 4)
    kernel = found.kernel(other, zero)[0, 0]
    assert float(kernel.real) == pytest.approx(float(weights @ angles.cos().double()), abs=1e-6)
    expected = float(weights @ angles.sin().double()) if causal else 0
    assert float(kernel.imag) == pytest.approx(expected, abs=1e-6)
