"""Facts about this machine, and the memory that a process took."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from mmtts import __version__
from mmtts.command.threads import WAITING

_STATUS = Path("/proc/self/status")
_CPUS = Path("/proc/cpuinfo")


def peak_memory() -> float:
    """Largest resident memory of this process so far, in MiB.

    On Linux from /proc, because there `ru_maxrss` of a new process begins at what the process that
    started it had.
    """
    if _STATUS.exists():
        found = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"), re.M)
        if found:
            return int(found[1]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if platform.system() == "Darwin" else 2**10)


def cpu_model() -> str:
    """Name of the processor, as far as the system tells."""
    if _CPUS.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", _CPUS.read_text(encoding="utf-8"), re.M)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Processes that wanted a core in the last minute, on average; None where nobody counts."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def machine_facts() -> dict[str, str | int]:
    """What times depend on: processor, cores, versions, how threads wait."""
    waits = [f"{name}={os.environ[name]}" for name in WAITING if name in os.environ]
    return {
        "processor": cpu_model(),
        "cores": usable_cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        "mmtts": __version__,
        "waiting threads": ", ".join(waits) or "as the libraries choose",
    }
