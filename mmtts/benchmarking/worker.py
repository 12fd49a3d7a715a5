"""The process that a contestant speaks in: ``python -m mmtts.benchmarking.worker ORDER``.

ORDER is JSON: `module` in this package, its `options`, `threads`. Each line of standard input is
JSON too: `text`, `steps`. Each event is a line of JSON on standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from mmtts import InputError
from mmtts.benchmarking.machine import peak_memory
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from mmtts.benchmarking.talker import Talker


def main() -> None:
    """Import, load, and speak what standard input asks for until it ends."""
    wait_briefly()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between the events
    try:
        serve(json.loads(sys.argv[1]), events)
    except Exception as error:
        expected = isinstance(error, InputError)
        said = str(error) if expected else f"{type(error).__name__}: {error}"
        tell(events, "failed", said=" ".join(said.split()), expected=expected)


def serve(order: dict[str, Any], events: TextIO) -> None:
    """Carry out an order; the events are imported, loaded, and first and spoken for each text."""
    module = importlib.import_module(f"mmtts.benchmarking.{order['module']}")
    tell(events, "imported")
    talker = module.load(order["options"], order["threads"])
    tell(events, "loaded")
    for line in sys.stdin:
        speak(talker, **json.loads(line), events=events)


def speak(talker: Talker, text: str, steps: int, events: TextIO) -> None:
    """Speak one text and tell how long it took, in s, and the peak memory in MiB.

    Raises:
        InputError: No sound came.
    """
    start, first, samples = time.perf_counter(), 0.0, 0
    for part in talker.stream(text, steps):
        if not samples and len(part):
            first = time.perf_counter() - start
            tell(events, "first")
        samples += len(part)
    whole = time.perf_counter() - start
    if not samples:
        raise InputError(f"no sound came of {text!r:.60}")
    speech = samples / talker.sample_rate
    tell(events, "spoken", first=first, whole=whole, speech=speech, peak=peak_memory())


def tell(events: TextIO, event: str, **facts: Any) -> None:
    """Write one event."""
    print(json.dumps({"event": event, **facts}), file=events, flush=True)


if __name__ == "__main__":
    main()
