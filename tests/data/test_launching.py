"""Launchers run every job, go on where one fails, name it, and prepare the same folder."""

import logging
import os
import sys
from pathlib import Path

import pytest
import shard_corpus
from shard_corpus import contents, deal, make_corpus, merge, prepare_all
from small_jobs import say

from mmtts import InputError
from mmtts.data.launching import make_launcher
from mmtts.data.shards import Manner, prepare_shard

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")


@pytest.fixture(autouse=True)
def jobs_find_the_tests(monkeypatch):
    """Other processes import the jobs from where they are."""
    here = str(Path(shard_corpus.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([here, *filter(None, sys.path)]))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"), 4, 1)


@pytest.fixture(scope="module")
def expected(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("one")
    prepare_all(corpus, out, 1)
    merge(out)
    return contents(out)


def prepare_with(launch, corpus, out: Path) -> dict[str, bytes]:
    launch(prepare_shard, {k: (path, Manner()) for k, path in deal(corpus, out, 2).items()})
    merge(out, launch=launch)
    return contents(out)


@pytest.mark.slow
def test_local_processes(corpus, expected, tmp_path):
    assert prepare_with(make_launcher("local", processes=2), corpus, tmp_path) == expected


@pytest.mark.slow
def test_jobs_that_fail_and_are_killed_are_named_and_others_run(tmp_path):
    words = ("a", "kill", "b", "number", "exit", "c")
    jobs = {f"job {word}": (tmp_path, word) for word in words}
    with pytest.raises(InputError) as error:
        make_launcher("local", processes=2)(say, jobs)
    said = str(error.value)
    assert said.startswith("3 of 6 failed, the same command goes on with them: ")
    assert "job kill (killed by SIGKILL)" in said
    assert "job number (ValueError: not a number)" in said
    assert "job exit (ended with status 3)" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


@pytest.mark.slow
def test_dask_by_the_address_of_a_scheduler(corpus, expected, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        1, threads_per_worker=1, processes=False, dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        launch = make_launcher("dask", address=cluster.scheduler_address)
        assert prepare_with(launch, corpus, tmp_path) == expected
        with pytest.raises(InputError, match=r"1 of 2 failed.*x \(ValueError: not a number\)"):
            launch(say, {"x": (tmp_path, "number"), "y": (tmp_path, "word")})
    assert (tmp_path / "word").exists()


@pytest.mark.slow
def test_dask_workers_of_this_machine(corpus, expected, tmp_path):
    pytest.importorskip("distributed")
    assert prepare_with(make_launcher("dask"), corpus, tmp_path) == expected


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["debug", "local"])
def test_slurm_as_submitit_runs_it_here(corpus, expected, tmp_path, cluster):
    pytest.importorskip("submitit")
    launch = make_launcher(
        "slurm", cluster=cluster, logs=tmp_path / "logs", minutes=5, partition="cpu", processes=2
    )
    assert prepare_with(launch, corpus, tmp_path / "out") == expected
    with pytest.raises(InputError, match=r"1 of 2 failed.*x \(.*not a number.*\)"):
        launch(say, {"x": (tmp_path, "number"), "y": (tmp_path, "word")})
    assert (tmp_path / "word").exists()


def test_unknown_launchers_and_clusters_out_of_reach_are_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="use local, dask, slurm"):
        make_launcher("kubernetes")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="cannot submit to Slurm"):
        make_launcher("slurm", logs=tmp_path)(say, {"x": (tmp_path, "word")})
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(InputError, match=r"pip install 'mmtts\[cluster\]'"):
        make_launcher("slurm", logs=tmp_path)(say, {"x": (tmp_path, "word")})
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'mmtts\[cluster\]'"):
        make_launcher("dask")(say, {"x": (tmp_path, "word")})
    assert not list(tmp_path.glob("word"))
