"""Batches of pairs follow from seed and epoch alone, and processes share them fairly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmtts.data.pair_sampling import EpochBatches, balanced_weights
from mmtts.data.prompt_pairs import AlternatingBatches


@given(
    count=st.integers(1, 60),
    size=st.integers(1, 20),
    world=st.integers(1, 3),
    shuffle=st.booleans(),
)
def test_processes_have_equally_many_batches(
    count: int, size: int, world: int, shuffle: bool
) -> None:
    parts = [
        list(EpochBatches(count, size, shuffle=shuffle, rank=rank, world_size=world))
        for rank in range(world)
    ]
    assert len({len(part) for part in parts}) == 1
    assert all(0 < len(batch) <= size for part in parts for batch in part)
    rows = [row for part in parts for batch in part for row in batch]
    assert set(rows) <= set(range(count))
    if not shuffle:
        assert set(rows) == set(range(count))
    elif count >= size * world:
        assert len(rows) == len(set(rows))


def test_an_epoch_can_be_repeated_and_differs_from_the_next() -> None:
    sampler = EpochBatches(40, 8, shuffle=True, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    sampler.set_epoch(0)
    assert list(sampler) == first != second


def test_modalities_alternate_and_the_short_one_goes_round() -> None:
    def batches() -> AlternatingBatches:
        speech = EpochBatches(40, 8, shuffle=True, seed=1)
        return AlternatingBatches({"speech": speech, "face": EpochBatches(16, 8, shuffle=True)})

    plan = list(batches())
    assert [name for name, _ in plan] == ["speech", "face"] * 5
    assert len(batches()) == 10
    faces = [tuple(rows) for name, rows in plan if name == "face"]
    assert faces[:2] != faces[2:4]  # the second pass has another order
    assert list(batches()) == plan


def test_weights_by_hand() -> None:
    codes = np.array([[0, 1], [0, 1], [0, 1], [0, 1], [2, -1]])
    np.testing.assert_allclose(balanced_weights(codes, 0.0), 1.0)
    np.testing.assert_allclose(balanced_weights(codes, 0.5), [0.5, 0.5, 0.5, 0.5, 1.0])
    np.testing.assert_allclose(balanced_weights(codes, 1.0), [0.25, 0.25, 0.25, 0.25, 1.0])


def test_heavy_rows_come_up_more_often_and_only_in_training() -> None:
    weights = np.array([1.0] * 90 + [9.0] * 10)
    sampler = EpochBatches(100, 10, shuffle=True, weights=weights)
    rows = []
    for epoch in range(100):
        sampler.set_epoch(epoch)
        rows += [row for batch in sampler for row in batch]
    assert abs(np.mean(np.array(rows) >= 90) - 0.5) < 0.02
    even = EpochBatches(100, 10, shuffle=True, weights=np.full(100, 7.0))
    assert sorted(row for batch in even for row in batch) == list(range(100))
    ordered = EpochBatches(100, 10, shuffle=False, weights=weights)
    assert [row for batch in ordered for row in batch] == list(range(100))
