"""Batches of pairs follow from seed and epoch alone, and processes share them fairly."""

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.data.pair_sampling import (
    AlternatingBatches,
    EpochBatches,
    NumberedBatches,
    balanced_weights,
)


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


@settings(deadline=None)
@given(
    count=st.integers(1, 90),
    size=st.integers(1, 9),
    world=st.sampled_from([2, 8]),
    epoch=st.integers(0, 3),
    weighted=st.booleans(),
)
def test_processes_share_one_plan(
    count: int, size: int, world: int, epoch: int, weighted: bool
) -> None:
    weights = np.arange(1.0, count + 1) if weighted else None

    def plan(rank: int, of: int) -> list[list[int]]:
        ranks = {"rank": rank, "world_size": of}
        batches = EpochBatches(count, size, shuffle=True, seed=5, weights=weights, **ranks)
        batches.set_epoch(epoch)
        return list(batches)

    alone, parts = plan(0, 1), [plan(rank, world) for rank in range(world)]
    union = [batch for turn in zip(*parts, strict=True) for batch in turn]
    if len(alone) >= world:  # else some begin anew, so that nobody waits
        assert union == alone[: len(union)] and len(alone) - len(union) < world


@settings(deadline=None)
@given(
    counts=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    total=st.sampled_from([None, 3, 8, 24]),
    world=st.sampled_from([2, 8]),
    epoch=st.integers(0, 3),
)
def test_processes_share_every_batch_of_two_modalities(
    counts: tuple[int, int], total: int | None, world: int, epoch: int
) -> None:
    def plan(rank: int, of: int) -> list[tuple[str, list[int]]]:
        samplers = {
            name: EpochBatches(count, 8 // of, shuffle=True, seed=5, rank=rank, world_size=of)
            for name, count in zip(("speech", "face"), counts, strict=True)
        }
        batches = AlternatingBatches(samplers, total)
        batches.set_epoch(epoch)
        assert len(list(batches)) == len(batches)
        return list(batches)

    alone, parts = plan(0, 1), [plan(rank, world) for rank in range(world)]
    for (name, rows), *shares in zip(alone, *parts, strict=True):
        assert {of for of, _ in shares} == {name}
        assert [row for _, share in shares for row in share] == rows


def test_validation_reaches_every_row_under_several_processes() -> None:
    parts = []
    for rank in range(3):
        place = {"shuffle": False, "rank": rank, "world_size": 3}
        samplers = {n: EpochBatches(c, 4, **place) for n, c in (("speech", 19), ("face", 6))}
        parts.append(list(AlternatingBatches(samplers)))
    assert [len(part) for part in parts] == [4, 4, 4]
    for name, count in (("speech", 19), ("face", 6)):
        rows = {row for part in parts for of, batch in part if of == name for row in batch}
        assert rows == set(range(count))


def test_numbered_batches_name_their_epoch() -> None:
    batches = NumberedBatches(EpochBatches(10, 5, shuffle=True, seed=1))
    batches.set_epoch(4)
    assert [epoch for epoch, _ in batches] == [4, 4] and len(batches) == 2
    assert [rows for _, rows in batches] == list(batches.batches)


def test_a_million_rows_are_planned_at_once() -> None:
    codes = np.random.default_rng(0).integers(-1, 8, (1_000_000, 3)).astype(np.int8)
    start = time.process_time()
    weights = balanced_weights(codes, 0.5)
    assert len(list(EpochBatches(len(codes), 256, shuffle=True, weights=weights))) == 3906
    assert time.process_time() - start < 10.0  # 0.5 s where nobody else works


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
