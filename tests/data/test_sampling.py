"""Sampling: little padding, every clip, the same for a seed and epoch, fair among processes."""

import numpy as np
import pytest

from mmtts.data.sampling import BucketSampler, CropSampler

SECONDS = np.clip(np.random.default_rng(0).lognormal(1.0, 0.45, 3000), 0.5, 15).tolist()


def clips_of(sampler):
    return [clip for draw in sampler for clip in draw.clips]


@pytest.mark.parametrize("batch_seconds", [40, 120, 300])
def test_at_most_five_percent_is_padding(batch_seconds):
    sampler = BucketSampler(SECONDS, batch_seconds, shuffle=True)
    sampler.set_epoch(1)
    batches = [[SECONDS[clip] for clip in draw.clips] for draw in sampler]
    padded = sum(max(batch) * len(batch) for batch in batches)
    assert 1 - sum(SECONDS) / padded <= 0.05
    assert max(sum(batch) for batch in batches) <= batch_seconds * 1.1
    assert len(batches) <= 2.1 * sum(SECONDS) / batch_seconds


@pytest.mark.parametrize("shuffle", [True, False])
def test_every_clip_comes_once(shuffle):
    for sampler in (
        BucketSampler(SECONDS[:200], 60, shuffle=shuffle),
        CropSampler(np.full(96, 1.0), 1.0, 8, shuffle=shuffle),
    ):
        clips = clips_of(sampler)
        assert sorted(clips) == list(range(len(clips)))
        assert len(list(sampler)) == len(sampler)


def test_seed_and_epoch_decide():
    def order(seed, epoch):
        sampler = BucketSampler(SECONDS[:300], 60, shuffle=True, seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(0, 3) == order(0, 3)
    assert [d.clips for d in order(0, 3)] != [d.clips for d in order(0, 4)]
    assert [d.clips for d in order(0, 3)] != [d.clips for d in order(1, 3)]


def test_without_shuffling_epochs_are_equal():
    sampler = BucketSampler(SECONDS[:100], 60, shuffle=False)
    before = list(sampler)
    sampler.set_epoch(5)
    assert list(sampler) == before


@pytest.mark.parametrize("kind", ["bucket", "crop"])
def test_processes_share_the_clips_in_equally_many_batches(kind):
    def make(rank):
        place = {"rank": rank, "world_size": 2, "shuffle": True}
        if kind == "bucket":
            return BucketSampler(SECONDS[:200], 40, **place)
        return CropSampler(SECONDS[:200], 1.0, 8, **place)

    one, two = make(0), make(1)
    assert len(list(one)) == len(list(two)) > 0
    assert set(clips_of(one)) | set(clips_of(two)) == set(range(200))
    numbers = [draw.number for sampler in (one, two) for draw in sampler]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_few_clips_are_enough(count):
    sampler = BucketSampler(SECONDS[:count], 100, shuffle=True)
    assert sorted(clips_of(sampler)) == list(range(count))


def test_a_clip_longer_than_a_batch_stands_alone():
    assert sorted(clips_of(BucketSampler([1.0, 30.0, 1.0], 10, shuffle=True))) == [0, 1, 2]


def test_long_clips_are_cropped_more_often():
    clips = clips_of(CropSampler([0.2, 1.0, 3.5], 1.0, 5, shuffle=True))
    assert sorted(clips) == [0, 1, 2, 2, 2]


def test_clips_may_come_more_than_once():
    repeats = [1, 3, 0, 2] * 50
    sampler = BucketSampler(SECONDS[:200], 60, repeats=repeats, shuffle=True)
    drawn = np.bincount(clips_of(sampler), minlength=200)
    assert drawn.tolist() == repeats
