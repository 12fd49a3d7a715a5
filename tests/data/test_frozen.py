"""Frozen tables: computed once, under a key that changes with everything they depend on."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.data.frozen import Table, file_identity, frozen, key_of, read_teacher


def test_computes_once_for_the_same_parts(tmp_path: Path) -> None:
    calls = []

    def compute() -> np.ndarray:
        calls.append(1)
        return np.arange(6.0).reshape(2, 3)

    first = frozen(tmp_path, "style", ["a", "b"], compute)
    again = frozen(tmp_path, "style", ["a", "b"], compute)
    assert np.array_equal(first, again) and len(calls) == 1
    frozen(tmp_path, "style", ["a", "c"], compute)
    assert len(calls) == 2
    assert len(list((tmp_path / "frozen").iterdir())) == 2


def test_a_damaged_file_is_computed_again(tmp_path: Path) -> None:
    frozen(tmp_path, "x", ["k"], lambda: np.ones(3))
    path = next((tmp_path / "frozen").iterdir())
    path.write_bytes(path.read_bytes()[:50])
    assert np.array_equal(frozen(tmp_path, "x", ["k"], lambda: np.ones(3)), np.ones(3))


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> np.ndarray:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        frozen(tmp_path, "x", ["k"], fail)
    assert not (tmp_path / "frozen").exists() or not list((tmp_path / "frozen").iterdir())


def test_a_large_table_lies_on_the_disk_in_half_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(0).standard_normal((50, 4, 3)).astype(np.float32)
    ids = [f"face {k}" for k in range(50)]
    small = Table("f", ids, frozen(tmp_path, "small", ["k"], lambda: values))
    assert small.values is values
    monkeypatch.setattr("mmtts.data.frozen.LARGE", values.nbytes - 1)
    first = frozen(tmp_path, "large", ["k"], lambda: values)
    for found in (first, frozen(tmp_path, "large", ["k"], never)):
        assert isinstance(found, np.memmap) and found.dtype == np.float16
        assert not found.flags.writeable
        large = Table("f", ids, found)
        wanted = ["face 7", "face 0", "face 7"]
        taken = large.take(wanted)
        assert taken.dtype == np.float32
        np.testing.assert_allclose(taken, small.take(wanted), rtol=2**-11, atol=1e-7)
        assert np.array_equal(large.view(2).take(wanted), taken[:, 2])
        views = np.array([1, 3])
        some = large.along(wanted).take([2, 1], views)
        assert some.dtype == np.float32 and np.array_equal(some, taken[[2, 1], views])
    huge = frozen(tmp_path, "huge", ["k"], lambda: values * 1e6)  # half precision ends at 65504
    assert isinstance(huge, np.memmap) and np.array_equal(huge, values * 1e6)


def never() -> np.ndarray:
    raise AssertionError("computed again")


def test_a_torn_large_table_is_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmtts.data.frozen.LARGE", 100)
    values = np.ones((100, 2), np.float32)
    frozen(tmp_path, "x", ["k"], lambda: values)
    path = next((tmp_path / "frozen").iterdir())
    path.write_bytes(path.read_bytes()[:300])
    assert np.array_equal(frozen(tmp_path, "x", ["k"], lambda: values), values)


@given(a=st.lists(st.text()), b=st.lists(st.text()))
def test_different_parts_have_different_keys(a: list[str], b: list[str]) -> None:
    assert (key_of(a) == key_of(b)) == (a == b)


def test_a_changed_file_has_another_identity(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"1")
    before = file_identity(tmp_path, "a.png")
    assert before == file_identity(tmp_path, "a.png")
    os.utime(tmp_path / "a.png", ns=(0, 0))
    assert before != file_identity(tmp_path, "a.png")
    with pytest.raises(InputError, match="is missing"):
        file_identity(tmp_path, "b.png")


def test_take_reads_rows_by_id() -> None:
    table = Table("style", ["a", "b"], np.array([[1.0], [2.0]]))
    assert table.take(["b", "a", "b"])[:, 0].tolist() == [2, 1, 2]
    with pytest.raises(InputError, match="1 of 2 items have no style, among them 'c'"):
        table.take(["a", "c"])


def test_the_teacher_is_read_without_pickle(prepared: Path, tmp_path: Path) -> None:
    teacher = read_teacher(prepared)
    assert teacher is not None and teacher.values.shape == (20, 128)
    assert read_teacher(tmp_path) is None
    np.savez(tmp_path / "face_teacher.npz", id=np.array([{}]), embedding=np.ones((1, 2)))
    with pytest.raises(InputError, match="no table of face embeddings"):
        read_teacher(tmp_path)
    np.savez(tmp_path / "face_teacher.npz", id=np.array(["a"]), embedding=np.full((1, 2), np.nan))
    with pytest.raises(InputError, match="finite numbers"):
        read_teacher(tmp_path)
