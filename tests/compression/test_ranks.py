"""Uniform and mixed ranks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.compression.ranks import check_ranks, choose_ranks, mixed_ranks, uniform_rank


def test_uniform_ranks_by_hand() -> None:
    assert [uniform_rank(64, ratio) for ratio in (0, 0.1, 0.2, 0.4, 0.999)] == [64, 58, 51, 38, 1]
    assert uniform_rank(2, 0.25) == 2  # 1.5 rounds up


def test_mixed_ranks_drop_what_loses_least() -> None:
    losses = [torch.tensor([[9.0, 5.0, 4.0, 3.0]]), torch.tensor([[8.0, 2.0, 1.0, 0.5]])]
    assert mixed_ranks(losses, 0.25) == [4, 2]
    assert mixed_ranks(losses, 0.5) == [3, 1]  # the best of each layer stays
    assert mixed_ranks(losses, 0) == [4, 4]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), min_size=1, max_size=5),
       st.floats(0, 0.99), st.integers(0, 1000))  # fmt: skip
def test_mixed_ranks_keep_the_uniform_total(
    shapes: list[tuple[int, int]], ratio: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    losses = [
        torch.rand(groups, n, generator=generator).sort(dim=1, descending=True).values
        for n, groups in shapes
    ]
    kept = mixed_ranks(losses, ratio)
    total = sum(n for n, _ in shapes)
    assert all(1 <= k <= n for k, (n, _) in zip(kept, shapes, strict=True))
    assert sum(kept) == max(len(shapes), uniform_rank(total, ratio))


def test_stacks_do_not_pay_for_each_other() -> None:
    losses = {
        ("encoder.0", "qk"): torch.tensor([[1e6, 1e6]]),
        ("encoder.1", "qk"): torch.tensor([[1e6, 2e5]]),
        ("decoder.0", "qk"): torch.tensor([[1.0, 1.0]]),
        ("decoder.1", "qk"): torch.tensor([[1.0, 0.1]]),
    }
    assert list(choose_ranks(losses, 0.25, "mixed").values()) == [2, 1, 2, 1]


@pytest.mark.parametrize("ratio", [-0.1, 1.0, float("nan")])
def test_impossible_ratios_are_refused(ratio: float) -> None:
    with pytest.raises(InputError, match="ratio"):
        check_ranks(ratio, "uniform")


def test_unknown_kinds_of_ranks_are_refused() -> None:
    with pytest.raises(InputError, match="allocated, uniform, mixed"):
        check_ranks(0.2, "some")
