"""How many threads a command has and how they wait, decided before they start."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

# Turns that an OpenMP thread spins before it sleeps. GNU's default of 300,000 is milliseconds, in
# which a thread whose partners wait for a core keeps that core from them. With too few turns, every
# parallel region pays for waking its threads. scripts/threads_bench.py measures both.
SPINS = 10_000

# With these the user decides.
WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_briefly() -> None:
    """Let OpenMP threads spin briefly and then sleep, unless the environment says how they wait.

    Called first by every command, because OpenMP reads the environment once, when torch is loaded;
    where torch is loaded already, in a program that calls a command, nothing changes.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in WAITING):
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)


def idle_cores(seconds: float = 0.3) -> int:
    """Cores that no other process is using now, at least one.

    Threads that outnumber them wait for one another in every parallel region.

    Args:
        seconds: How long to watch. Without ``/proc/stat`` nothing is seen, and all cores count.
    """
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    try:
        before = _core_times()
        time.sleep(seconds)
        shares = idle_shares(before, _core_times())
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, round(sum(shares) + 0.1)))


def _core_times() -> list[list[int]]:
    lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    return [
        [int(n) for n in line.split()[1:]] for line in lines if line[:3] == "cpu" and line[3] != " "
    ]


def idle_shares(before: list[list[int]], after: list[list[int]]) -> list[float]:
    """Share of the time in which each core was idle, waited for a disk, or ran what gives way.

    Args:
        before: Ticks of each core by state, as in ``/proc/stat``: user, nice, system, idle, iowait.
        after: The same, later.
    """
    shares = []
    for old, new in zip(before, after, strict=True):
        passed = [b - a for a, b in zip(old, new, strict=True)]
        shares.append((passed[1] + sum(passed[3:5])) / max(1, sum(passed)))
    return shares
