"""How the threads of a command wait, decided before torch is loaded."""

from __future__ import annotations

import os
import sys

# Turns that an OpenMP thread spins before it sleeps. GNU's default of 300,000 is milliseconds, in
# which a thread whose partners wait for a core keeps that core from them, so that training beside
# any other work slows down many times over (scripts/threads_bench.py measures it). With few turns
# a thread still catches a parallel region that follows at once, as most do on an idle machine.
SPINS = 1_000

# With these the user decides.
WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_briefly() -> None:
    """Let OpenMP threads spin briefly and then sleep, unless the environment says how they wait.

    Called first by every command, because OpenMP reads the environment once, when torch is loaded;
    where torch is loaded already, in a program that calls a command, nothing changes. The number
    of threads is left alone: sums depend on it, and a run must not depend on the machine's load.
    """
    if "torch" not in sys.modules and not any(name in os.environ for name in WAITING):
        os.environ["GOMP_SPINCOUNT"] = str(SPINS)
