"""A contestant's process, seen from outside."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from mmtts import InputError
from mmtts.benchmarking.contestants import Contestant
from mmtts.command.one_sentence import DEBUG_VARIABLE

TREE = str(Path(__file__).parents[2])  # whichever mmtts runs here runs there too


class Event(NamedTuple):
    """What a worker tells: its facts, and when, in s since the process was started."""

    facts: dict[str, Any]
    at: float


class WorkerProcess:
    """A fresh process that imports, loads and then speaks what it is asked to; a context manager.

    Args:
        contestant: Who speaks.
        threads: CPU threads.
    """

    def __init__(self, contestant: Contestant, threads: int) -> None:
        self.contestant = contestant
        order = {
            "module": contestant.module,
            "options": dict(contestant.options),
            "threads": threads,
        }
        path = os.pathsep.join(filter(None, (TREE, os.environ.get("PYTHONPATH"))))
        counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        self._start = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mmtts.benchmarking.worker", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get(DEBUG_VARIABLE) else subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **counts, "PYTHONPATH": path},
        )
        assert self._process.stdin and self._process.stdout
        self._words, self._events = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._words.close()  # the end of its input ends the worker
        try:
            self._process.wait(None if kind is None else 1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._events.close()

    def ask(self, text: str, steps: int) -> None:
        """Ask for a text; the events `first` and `spoken` follow."""
        with contextlib.suppress(BrokenPipeError):  # waiting will tell why
            print(json.dumps({"text": text, "steps": steps}), file=self._words, flush=True)

    def wait_for(self, event: str) -> Event:
        """Wait for an event, past those before it.

        Raises:
            InputError: The contestant refused something.
            RuntimeError: It failed in another way.
        """
        name = self.contestant.name
        for line in self._events:
            at, facts = time.perf_counter() - self._start, json.loads(line)
            if facts["event"] == "failed":
                kind = InputError if facts["expected"] else RuntimeError
                raise kind(f"{name}: {facts['said']}")
            if facts["event"] == event:
                return Event(facts, at)
        raise RuntimeError(f"the process of {name} ended with status {self._process.wait()}")
