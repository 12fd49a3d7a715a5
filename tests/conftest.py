"""One thread per worker, no network, and a small prepared data folder for whoever needs one."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from prepared_folder import make_prepared_folder

if TYPE_CHECKING:
    from training import Runner

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("MPLBACKEND", "Agg")


# People try properties on new examples; continuous integration repeats fixed ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Give torch one thread: OpenMP threads of several workers fight for the cores."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def logging_stays() -> Iterator[None]:
    """Undo what a command does to logging: its handlers would write into the tests that follow."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared data folder (README of ``data/``): ten people, a few clips and faces each.

    Read-only for tests: copy it before changing anything in it.
    """
    return make_prepared_folder(tmp_path_factory.mktemp("prepared") / "hum")


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Runner":
    """Runs ``mmtts.train`` in a temporary folder."""
    from training import Runner

    return Runner(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def small_system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system folder of small networks with random weights; read-only for tests."""
    from small_system import make_small_system

    return make_small_system(tmp_path_factory.mktemp("system") / "small")
