"""Workers that extract faces from videos or pictures, and are killed at it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mmtts.data.extraction import EXTRACTED
from mmtts.data.shard_folders import ROWS


def kill_at_work(worker: str, shard: Path, half: bytes) -> bytes:
    """Run the code of a worker on a shard, kill it after its first item, and leave half a line.

    Returns:
        The whole lines of what it had done.
    """
    journal = shard / EXTRACTED
    process = subprocess.Popen([sys.executable, "-c", worker, str(shard)])
    deadline = time.monotonic() + 120
    while (
        process.poll() is None
        and time.monotonic() < deadline
        and not (journal.exists() and b"\n" in journal.read_bytes())
    ):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = journal.read_bytes()
    assert done.count(b"\n") >= 1 and not (shard / ROWS).exists()
    with journal.open("ab") as file:
        file.write(half)
    return done[: done.rindex(b"\n") + 1]
