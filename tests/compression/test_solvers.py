"""The closed-form solutions against the mathematics, in float64 (checks 1 to 8)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mmtts.compression.moments import square_roots
from mmtts.compression.solvers import (
    pair_channels,
    solve_ov,
    solve_qk,
    solve_rotary,
    solve_units,
)

N, D, WIDTH = 60, 12, 6  # calibration rows, model width, head width

shapes = st.tuples(st.integers(2, 7), st.integers(1, 3), st.integers(0, 10_000))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moment(x: Tensor) -> Tensor:
    return x.transpose(-2, -1) @ x / x.shape[-2]


def mixed(n: int, d: int, seed: int) -> Tensor:
    """Correlated rows of very different scales, with a mean."""
    return normal(n, d, seed=seed) @ normal(d, d, seed=seed + 1) + normal(d, seed=seed + 2)


def score_error(queries: Tensor, keys: Tensor, change: Tensor) -> Tensor:
    """Mean over all pairs of (q k^T - q change k^T)^2."""
    difference = queries @ (torch.eye(len(change), dtype=change.dtype) - change) @ keys.T
    return (difference**2).mean()


def full_width_singular_values(x: Tensor, w_q: Tensor, w_k: Tensor) -> Tensor:
    """The paper's form: svd(R^1/2 W_q W_k^T R^1/2) with R = E[x^T x]."""
    root = square_roots(moment(x), damping=0)[0]
    return torch.linalg.svdvals(root @ w_q @ w_k.T @ root)


@settings(max_examples=25, deadline=None)
@given(shapes)
def test_qk_is_exact_at_full_rank(shape: tuple[int, int, int]) -> None:
    width, groups, seed = shape
    moments = [
        torch.stack([moment(mixed(N, width, seed + 10 * g + p)) for g in range(groups)])
        for p in (0, 5)
    ]
    solution = solve_qk(*moments)
    product = solution.query_map @ solution.key_map.transpose(1, 2)
    identity = torch.eye(width, dtype=torch.float64).expand_as(product)
    torch.testing.assert_close(product, identity, atol=1e-9, rtol=0)


@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(1, 6))
def test_qk_loss_is_the_sum_of_dropped_squares(shape: tuple[int, int, int], rank: int) -> None:
    width, _, seed = shape
    rank = min(rank, width)
    queries, keys = mixed(N, width, seed), mixed(N + 7, width, seed + 3)
    solution = solve_qk(moment(queries)[None], moment(keys)[None], damping=0)
    change = solution.query_map[0, :, :rank] @ solution.key_map[0, :, :rank].T
    total = float(solution.losses.sum())
    expected = float(score_error(queries, keys, change)) / total
    assert float(solution.losses[0, rank:].sum()) / total == pytest.approx(expected, abs=1e-9)


def test_qk_equals_the_full_width_form() -> None:
    x, w_q, w_k = mixed(200, D, 1), normal(D, WIDTH, seed=2), normal(D, WIDTH, seed=3)
    solution = solve_qk(moment(x @ w_q)[None], moment(x @ w_k)[None], damping=0)
    expected = full_width_singular_values(x, w_q, w_k)[:WIDTH]
    relative = (solution.losses[0] - expected**2).abs() / (expected**2).sum()
    assert float(relative.max()) < 1e-9


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_qk_is_no_worse_than_channel_subsets_and_one_sided_projections(rank: int) -> None:
    queries, keys = mixed(N, WIDTH, 4), mixed(N, WIDTH, 8)
    solution = solve_qk(moment(queries)[None], moment(keys)[None], damping=0)
    best = float(solution.losses[0, rank:].sum()) * (1 + 1e-9)
    for subset in torch.combinations(torch.arange(WIDTH), rank):
        change = torch.zeros(WIDTH, WIDTH, dtype=torch.float64)
        change[subset, subset] = 1
        assert best <= float(score_error(queries, keys, change))
    for rows in (queries, keys):
        vectors = torch.linalg.eigh(moment(rows)).eigenvectors[:, -rank:]
        assert best <= float(score_error(queries, keys, vectors @ vectors.T))


def test_planted_ranks_are_recovered() -> None:
    planted = 3
    queries = mixed(N, planted, 1) @ normal(planted, WIDTH, seed=2)
    keys = mixed(N, WIDTH, 3)
    solution = solve_qk(moment(queries)[None], moment(keys)[None])
    # Singular values below the damping, 1e-8 of the moments, count as nothing.
    scale = float(moment(queries).trace() * moment(keys).trace())
    change = solution.query_map[0, :, :planted] @ solution.key_map[0, :, :planted].T
    assert float(score_error(queries, keys, change)) / scale <= 1e-15
    attended = mixed(N, planted, 4) @ normal(planted, WIDTH, seed=5)
    output = normal(WIDTH, D, seed=6)
    ov = solve_ov(moment(attended)[None], output[None])
    lost = attended @ output - attended @ ov.value_map[0, :, :planted] @ ov.output[0, :planted]
    assert float((lost**2).mean() / (attended @ output).pow(2).mean()) <= 1e-15


def test_moments_with_biases_are_moments_of_an_input_with_a_one() -> None:
    x, weight, bias = mixed(N, D, 1), normal(D, WIDTH, seed=2), normal(WIDTH, seed=3)
    augmented = torch.cat([x, torch.ones(N, 1, dtype=torch.float64)], dim=1)
    stacked = torch.cat([weight, bias[None]])
    queries, keys = x @ weight + bias, x @ normal(D, WIDTH, seed=4)
    solution = solve_qk(moment(queries)[None], moment(keys)[None])
    same = solve_qk(moment(augmented @ stacked)[None], moment(keys)[None])
    torch.testing.assert_close(solution.losses, same.losses)
    narrow = queries @ solution.query_map[0, :, :2]
    expected = augmented @ (stacked @ same.query_map[0, :, :2])
    torch.testing.assert_close(narrow.abs(), expected.abs())


@settings(max_examples=25, deadline=None)
@given(shapes, st.integers(1, 14), st.integers(1, 7))
def test_ov_is_exact_and_its_loss_is_what_is_dropped(
    shape: tuple[int, int, int], outputs: int, rank: int
) -> None:
    width, _, seed = shape
    rank = min(rank, width)
    attended, output = mixed(N, width, seed), normal(width, outputs, seed=seed + 9)
    solution = solve_ov(moment(attended)[None], output[None], damping=0)
    value_map, new = solution.value_map[0], solution.output[0]
    torch.testing.assert_close(value_map @ new, output, atol=1e-9, rtol=1e-9)
    lost = attended @ output - attended @ value_map[:, :rank] @ new[:rank]
    total = float(solution.losses.sum())
    expected = float((lost**2).sum(dim=1).mean()) / total
    assert float(solution.losses[0, rank:].sum()) / total == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_ov_is_no_worse_than_plain_svd_of_the_product(rank: int) -> None:
    x, w_v, w_o = mixed(N, D, 1), normal(D, WIDTH, seed=2), normal(WIDTH, D, seed=3)
    attended = x @ w_v
    solution = solve_ov(moment(attended)[None], w_o[None], damping=0)
    left, values, right = torch.linalg.svd(w_v @ w_o)
    plain = left[:, :rank] * values[:rank] @ right[:rank]
    plain_error = ((attended @ w_o - x @ plain) ** 2).sum(dim=1).mean()
    assert float(solution.losses[0, rank:].sum()) <= float(plain_error) * (1 + 1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 10_000))
def test_grouped_queries_equal_the_stacked_svd(shared: int, rank: int, seed: int) -> None:
    heads = [mixed(N, WIDTH, seed + 10 * h) for h in range(shared)]
    keys = mixed(N, WIDTH, seed + 5)
    solution = solve_qk(sum(moment(q) for q in heads)[None], moment(keys)[None], damping=0)
    stacked = solve_qk(shared * moment(torch.cat(heads))[None], moment(keys)[None], damping=0)
    torch.testing.assert_close(solution.losses, stacked.losses, atol=0, rtol=1e-9)
    change = solution.query_map[0, :, :rank] @ solution.key_map[0, :, :rank].T
    total = float(solution.losses.sum())
    error = sum(float(score_error(q, keys, change)) for q in heads)
    assert float(solution.losses[0, rank:].sum()) / total == pytest.approx(error / total, abs=1e-9)


def test_grouped_values_equal_the_stacked_svd_and_one_group_is_one_head() -> None:
    attended, outputs = mixed(N, WIDTH, 1), [normal(WIDTH, D, seed=s) for s in (2, 3)]
    solution = solve_ov(moment(attended)[None], torch.cat(outputs, dim=1)[None], damping=0)
    root = square_roots(moment(attended), damping=0)[0]
    expected = torch.linalg.svdvals(torch.cat([root @ w for w in outputs], dim=1)) ** 2
    torch.testing.assert_close(solution.losses[0], expected, atol=0, rtol=1e-9)
    error = sum(
        float(((attended @ w - attended @ solution.value_map[0, :, :2] @ new) ** 2).sum(1).mean())
        for w, new in zip(outputs, solution.output[0, :2].chunk(2, dim=1), strict=True)
    )
    assert float(solution.losses[0, 2:].sum()) == pytest.approx(error, rel=1e-9)


@pytest.mark.parametrize("layout", ["half", "interleaved"])
def test_rotary_scores_by_hand(layout: str) -> None:
    query_power = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    key_power = torch.tensor([[5.0, 6.0, 7.0, 8.0]])
    solution = solve_rotary(query_power, key_power, layout)
    # Products 5, 12, 21, 32; pairs (0, 2), (1, 3) in halves, (0, 1), (2, 3) interleaved.
    assert solution.losses.tolist() == [[44.0, 26.0] if layout == "half" else [53.0, 17.0]]
    assert solution.pairs.tolist() == [[1, 0]]
    channels = pair_channels(solution.pairs[:, :1], 4, layout)
    assert channels.tolist() == [[1, 3] if layout == "half" else [2, 3]]


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["half", "interleaved"]), st.integers(1, 4), st.integers(0, 10_000))
def test_pairs_are_whole_and_cover_the_head(layout: str, kept: int, seed: int) -> None:
    powers = [normal(2, 8, seed=seed + i) ** 2 for i in range(2)]
    pairs = solve_rotary(*powers, layout).pairs
    everything = pair_channels(pairs, 8, layout).sort(dim=1).values
    assert everything.tolist() == [list(range(8))] * 2
    channels = pair_channels(pairs[:, :kept], 8, layout)
    assert channels.shape == (2, 2 * kept)
    members = channels % 4 if layout == "half" else channels // 2
    assert all(sorted(row.tolist()) == sorted(2 * p.tolist()) for row, p in
               zip(members, pairs[:, :kept], strict=True))  # fmt: skip


def test_units_by_hand_and_over_the_taps_of_a_convolution() -> None:
    power = torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64)
    down = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 1.0]], dtype=torch.float64)
    solution = solve_units(power, down)
    assert solution.losses.tolist() == [[9.0, 9.0, 8.0]]
    assert solution.units.tolist() == [0, 2, 1]
    taps = torch.stack([down, down], dim=-1)
    assert solve_units(power, taps).losses.tolist() == [[18.0, 18.0, 16.0]]


def test_rank_deficient_calibration_stays_right_on_other_data() -> None:
    few, other = normal(3, WIDTH, seed=1), normal(200, WIDTH, seed=2)
    solution = solve_qk(moment(few)[None], moment(few)[None])
    change = solution.query_map[0] @ solution.key_map[0].T
    assert float(score_error(other, other, change)) < 1e-9
    ov = solve_ov(moment(few)[None], normal(WIDTH, D, seed=3)[None])
    assert ov.value_map.isfinite().all()


def test_a_silent_head_is_solved_too() -> None:
    nothing = torch.zeros(1, WIDTH, WIDTH, dtype=torch.float64)
    solution = solve_qk(nothing, nothing)
    assert solution.query_map.isfinite().all() and solution.key_map.isfinite().all()
    assert float(solution.losses.max()) < 1e-12
