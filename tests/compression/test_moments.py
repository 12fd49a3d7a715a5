"""Streaming moments and square roots."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.compression.moments import Moment, square_roots, with_one


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 1000))
def test_moments_do_not_depend_on_how_the_rows_arrive(sizes: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(sum(sizes), 6, generator=generator, dtype=torch.float64)
    weights = torch.rand(sum(sizes), generator=generator, dtype=torch.float64)
    moment = Moment(2, 3)
    for rows, some in zip(x.split(sizes), weights.split(sizes), strict=True):
        moment.add(rows, some)
        assert moment.sum.shape == (2, 3, 3)  # whatever came in
    expected = torch.einsum("n,nha,nhb->hab", weights, *2 * [x.unflatten(1, (2, 3))])
    torch.testing.assert_close(moment.mean(), expected / max(len(x), 1), atol=1e-10, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 8), st.integers(0, 12), st.integers(0, 1000))
def test_square_roots_undo_each_other(width: int, rows: int, seed: int) -> None:
    x = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)).double()
    moment = x.T @ x
    root, inverse = square_roots(moment)
    identity = torch.eye(width, dtype=torch.float64)
    torch.testing.assert_close(root @ inverse, identity, atol=1e-9, rtol=0)
    torch.testing.assert_close(root @ root, moment, atol=1e-6 * (1 + float(moment.trace())), rtol=0)


def test_rows_of_half_precision_are_summed_in_double() -> None:
    moment = Moment(1, 1)
    for _ in range(3000):
        moment.add(torch.ones(1, 1, dtype=torch.bfloat16), torch.ones(1))
    assert moment.sum.dtype == torch.float64 and float(moment.sum) == 3000


def test_an_input_of_one_gathers_means_and_the_sum_of_weights() -> None:
    moment = Moment(1, 3)
    moment.add(with_one(torch.tensor([[1.0, 2.0], [3.0, 4.0]])), torch.tensor([1.0, 0.5]))
    assert (2 * moment.mean()[0, 2]).tolist() == [1 + 1.5, 2 + 2, 1.5]
