"""Clip store: bounded, shared with forked processes, empty after pickling."""

import multiprocessing
import pickle

import numpy as np

from mmtts.data.clip_store import ClipStore


def test_rows_come_back():
    store = ClipStore([3, 0, 2], 4, np.float16, 0.001)
    rows = np.arange(8, dtype=np.float16).reshape(2, 4)
    assert store.get(2) is None
    store.put(2, rows)
    np.testing.assert_array_equal(store.get(2), rows)
    assert store.get(0) is None


def test_the_limit_holds():
    store = ClipStore([100] * 50, 1, np.int16, 1000 / 2**30)
    assert store.places == 5
    store.put(5, np.ones((100, 1), np.int16))
    assert store.get(5) is None
    assert ClipStore([10], 1, np.int16, 0.0).get(0) is None


def test_forked_processes_share_it():
    store = ClipStore([2, 2], 1, np.int16, 0.001)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=store.put, args=(1, np.array([[7], [8]], np.int16)))
    process.start()
    process.join()
    assert store.get(1).ravel().tolist() == [7, 8]


def test_a_pickled_store_is_empty():
    store = ClipStore([2], 1, np.int16, 0.001)
    store.put(0, np.ones((2, 1), np.int16))
    copy = pickle.loads(pickle.dumps(store))
    assert copy.get(0) is None
    copy.put(0, np.zeros((2, 1), np.int16))
    assert copy.get(0) is not None and store.get(0).all()
