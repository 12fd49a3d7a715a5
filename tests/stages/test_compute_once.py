"""Processes divide a table among them, and all read the same one."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from many_processes import Gloo, in_processes

from mmtts import InputError
from mmtts.data.face_images import read_crops
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.stages import compute_once as module
from mmtts.stages.compute_once import BLOCK, compute_once, share_of
from mmtts.stages.frozen import feature_table

WORLD = 3
COUNT = 3 * BLOCK + 7


def test_shares_are_whole_blocks_and_everything() -> None:
    shares = [share_of(rank, WORLD, COUNT) for rank in range(WORLD)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(COUNT))
    assert [len(share) for share in shares] == [BLOCK + 7, BLOCK, BLOCK]
    assert all((np.diff(share[:BLOCK]) == 1).all() for share in shares)


def ask(folder: Path, log: list[list[int]], one_disk: bool = True) -> np.ndarray:
    def compute(device: torch.device, rows: np.ndarray) -> np.ndarray:
        log.append(rows.tolist())
        return np.stack([rows, rows**2], 1).astype(np.float32)

    return compute_once(Gloo(one_disk), folder, "x", ["key"], COUNT, compute)  # type: ignore[arg-type]


def test_each_process_computes_its_share_once(tmp_path: Path) -> None:
    def share() -> Any:
        log: list[list[int]] = []
        tables = [ask(tmp_path / "data", log) for _ in range(2)]
        return [np.asarray(table).tolist() for table in tables], log, type(tables[0]).__name__

    found = in_processes(tmp_path, share, WORLD)
    expected = [[float(k), float(k**2)] for k in range(COUNT)]
    for rank, (tables, log, kind) in enumerate(found):
        assert tables == [expected, expected]
        assert log == [share_of(rank, WORLD, COUNT).tolist()]
        assert kind == "memmap"
    assert len(list((tmp_path / "data" / "frozen").iterdir())) == 1  # no share stays behind


def test_a_share_that_is_done_is_not_computed_again(tmp_path: Path) -> None:
    path = module.frozen_path(tmp_path / "data", "x", ["key"])
    path.parent.mkdir(parents=True)
    rows = share_of(1, WORLD, COUNT)
    np.save(path.with_suffix(f".1-of-{WORLD}.npy"), np.stack([rows, -rows], 1).astype(np.float32))

    def share() -> Any:
        log: list[list[int]] = []
        return ask(tmp_path / "data", log)[rows[5]].tolist(), len(log)

    found = in_processes(tmp_path, share, WORLD)
    assert [row for row, _ in found] == [[float(rows[5]), -float(rows[5])]] * WORLD
    assert [computed for _, computed in found] == [1, 0, 1]


def test_machines_without_a_common_disk_compute_for_themselves(tmp_path: Path) -> None:
    def share() -> Any:
        from torch import distributed as dist

        log: list[list[int]] = []
        table = ask(tmp_path / f"disk{dist.get_rank()}", log, one_disk=False)
        return float(table.sum()), len(log[0])

    found = in_processes(tmp_path, share, WORLD)
    assert len({total for total, _ in found}) == 1
    assert [rows for _, rows in found] == [COUNT] * WORLD


def test_it_does_not_wait_forever(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(InputError, match="was not written by the process"):
        module._wait_for([tmp_path / "missing.npy"], 0.3)
    assert time.monotonic() - started < 10


def test_views_do_not_depend_on_who_computes_them(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The views of a block are those that one process draws for it after all blocks before."""
    for name in ("mmtts.stages.compute_once.BLOCK", "mmtts.stages.frozen.BLOCK"):
        monkeypatch.setattr(name, 2)
    torch.manual_seed(0)
    small = {"feature_dim": 8, "size": 28, "channels": [4], "blocks": [1]}
    encoder = FaceEncoder("SmallFaceNet", small, style_dim=4, width=8, dropout=0.0).eval()
    faces = [f"faces/hum-0{k}-{mood}.png" for k in range(3) for mood in ("happy", "neutral")]
    one = tmp_path / "one"
    for folder in (one, tmp_path / "many"):
        (folder / "faces").mkdir(parents=True)
        for face in faces:
            (folder / face).symlink_to(prepared / face)
    expected = feature_table(encoder, one, faces, views=3, seed=5).values
    assert read_crops(one, faces[:1]).shape[1] == 3

    def share() -> Any:
        strategy: Any = Gloo()
        many = feature_table(encoder, tmp_path / "many", faces, views=3, seed=5, strategy=strategy)
        return np.array(many.values)

    for values in in_processes(tmp_path, share, WORLD):
        np.testing.assert_allclose(values, expected, atol=1e-5)
