"""Batches of pairs follow from seed and epoch alone, and processes share them fairly."""

from hypothesis import given
from hypothesis import strategies as st

from mmtts.data.pair_sampling import EpochBatches
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
