"""Launching: jobs of a preparation as processes of this machine, on Dask, or on Slurm.

Every launcher runs `function(*arguments)` once per job, goes on where a job fails, shows a bar over
the jobs, and names at the end what failed. Jobs must be safe to be run again.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from mmtts import InputError

Function = Callable[..., None]
Jobs = Mapping[str, tuple[Any, ...]]
Outcomes = Iterator[tuple[str, str]]  # name of a job, what went wrong; "" for nothing
Launcher = Callable[[Function, Jobs], None]
LAUNCHERS = ("local", "dask", "slurm")
POLL_SECONDS = 2
_SHOWN = 5


def make_launcher(
    name: str,
    *,
    processes: int = 1,
    address: str = "",
    logs: Path = Path("logs"),
    cluster: str = "slurm",
    partition: str = "",
    minutes: int = 24 * 60,
    gigabytes: int = 8,
) -> Launcher:
    """Choose where jobs run.

    Args:
        name: "local", "dask" or "slurm".
        processes: Jobs at the same time; with an address Dask decides, with Slurm it is the limit
            of the job array.
        address: Of a Dask scheduler, such as one of dask-jobqueue or dask-kubernetes; "" starts
            workers on this machine.
        logs: Folder where Slurm's jobs write what they say; all machines must see it.
        cluster: submitit's name of the scheduler: "slurm", or "local" and "debug", which run the
            same on this machine.
        partition: Of Slurm; "" for its default.
        minutes: That Slurm gives a job; whoever runs out of time goes on in the next run.
        gigabytes: Of memory that Slurm gives a job.

    Returns:
        Runs a function once per job.

    Raises:
        InputError: There is no such launcher.
    """
    limits: dict[str, Any] = {"timeout_min": minutes, "mem_gb": gigabytes, "cpus_per_task": 1}
    if partition:
        limits["slurm_partition"] = partition
    ways: dict[str, Callable[[Function, Jobs], Outcomes]] = {
        "local": partial(run_local, processes=processes),
        "dask": partial(run_dask, processes=processes, address=address),
        "slurm": partial(run_slurm, processes=processes, logs=logs, cluster=cluster, limits=limits),
    }
    if name not in ways:
        raise InputError(f"unknown launcher {name!r:.40}: use {', '.join(ways)}")
    return partial(_run, ways[name])


def run_local(function: Function, jobs: Jobs, processes: int) -> Outcomes:
    """Run each job in a process of its own, so that one that is killed takes no other with it."""
    context = multiprocessing.get_context("spawn")
    waiting = list(jobs.items())[::-1]
    running: dict[Any, tuple[str, Any]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                name, arguments = waiting.pop()
                mine, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_tell, args=(theirs, function, arguments))
                process.start()
                theirs.close()
                running[mine] = (name, process)
            for pipe in wait(list(running)):
                name, process = running.pop(pipe)
                yield name, _fault_of(process, pipe)
    finally:
        for _, process in running.values():
            process.terminate()


def run_dask(function: Function, jobs: Jobs, processes: int, address: str = "") -> Outcomes:
    """Run jobs on the workers of a Dask scheduler, or on `processes` workers of this machine."""
    try:
        from distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise InputError("Dask is not installed; pip install 'mmtts[cluster]'") from error
    try:
        place = address or LocalCluster(processes, threads_per_worker=1, dashboard_address=None)
        client = Client(place)
    except OSError as error:
        raise InputError(f"no Dask scheduler answers at {address}: {error!s:.120}") from error
    with client:
        futures = {
            client.submit(_attempt, function, arguments, pure=False): name
            for name, arguments in jobs.items()
        }
        for future in as_completed(futures):
            fault = future.exception()
            yield futures[future], _describe(fault) if fault else future.result()
    if not isinstance(place, str):
        place.close()


def run_slurm(
    function: Function,
    jobs: Jobs,
    processes: int,
    logs: Path,
    cluster: str = "slurm",
    limits: Mapping[str, Any] | None = None,
) -> Outcomes:
    """Run jobs as an array of Slurm jobs, by submitit."""
    try:
        from submitit import AutoExecutor
        from submitit.helpers import as_completed
    except ImportError as error:
        raise InputError("submitit is not installed; pip install 'mmtts[cluster]'") from error
    try:
        executor = AutoExecutor(folder=logs, cluster=cluster)
    except RuntimeError as error:
        raise InputError(f"this machine cannot submit to Slurm: {error!s:.120}") from error
    executor.update_parameters(**(limits or {}), slurm_array_parallelism=processes)
    with executor.batch():
        submitted = [executor.submit(_attempt, function, arguments) for arguments in jobs.values()]
    names = dict(zip((job.job_id for job in submitted), jobs, strict=True))
    for job in as_completed(submitted, poll_frequency=POLL_SECONDS):
        fault = job.exception()
        yield names[job.job_id], _describe(fault) if fault else job.result()


def _run(way: Callable[[Function, Jobs], Outcomes], function: Function, jobs: Jobs) -> None:
    """Run all jobs and name those that failed.

    Raises:
        InputError: A job failed.
    """
    from tqdm import tqdm

    failed = {name: fault for name, fault in tqdm(way(function, jobs), total=len(jobs)) if fault}
    if failed:
        raise InputError(
            f"{len(failed)} of {len(jobs)} failed, the same command goes on with them: "
            + _listed(f"{name} ({fault})" for name, fault in failed.items())
        )


def _listed(faults: Iterable[str]) -> str:
    every = list(faults)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return "; ".join(every[:_SHOWN]) + more


def _attempt(function: Function, arguments: tuple[Any, ...]) -> str:
    """Run a job where it is meant to run; return what went wrong, and log the traceback there."""
    try:
        function(*arguments)
    except InputError as error:
        return _describe(error)
    except Exception as error:
        traceback.print_exception(error)
        return _describe(error)
    return ""


def _tell(pipe: Connection, function: Function, arguments: tuple[Any, ...]) -> None:
    """Run a job and tell the parent what went wrong."""
    pipe.send(_attempt(function, arguments))


def _fault_of(process: Any, pipe: Any) -> str:
    """What went wrong in a process that has something to say or has ended."""
    try:
        fault = str(pipe.recv())
        process.join()
    except EOFError:
        process.join()
        code = process.exitcode
        return (
            f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        )
    return fault


def _describe(error: BaseException) -> str:
    """One line, for those who run many jobs."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text:.300}"
