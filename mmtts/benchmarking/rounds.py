"""The measurement: cold starts and warm calls, everyone in turns, so that noise meets all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from mmtts import InputError
from mmtts.benchmarking.contestants import Contestant
from mmtts.benchmarking.texts import text_of
from mmtts.benchmarking.worker_process import WorkerProcess

T = TypeVar("T")


class Cold(NamedTuple):
    """One cold start: s since the process was started, until each thing was done."""

    contestant: str
    steps: int
    threads: int
    round: int
    imported: float
    loaded: float
    first: float
    whole: float


class Warm(NamedTuple):
    """One call in a running process: s until the first audio and the whole; s of speech."""

    contestant: str
    steps: int
    threads: int
    text: str
    round: int
    first: float
    whole: float
    speech: float


class Memory(NamedTuple):
    """Peak memory of the process that made the warm calls, in MiB."""

    contestant: str
    threads: int
    peak: float


@dataclass
class Measurements:
    """Everything measured, in the order of measuring."""

    cold: list[Cold] = field(default_factory=list)
    warm: list[Warm] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)


def call_the_roll(
    contestants: Sequence[Contestant], threads: int
) -> tuple[list[Contestant], list[str]]:
    """Let each speak a word, so that nothing is read from the disk for the first time later.

    Returns:
        Those that speak, and a sentence about each one from elsewhere that does not.

    Raises:
        InputError: One of our own refused something.
        RuntimeError: One of our own failed.
    """
    present, notes = [], []
    for contestant in contestants:
        try:
            with WorkerProcess(contestant, threads) as worker:
                worker.ask(text_of("word", 0), contestant.steps[0])
                worker.wait_for("spoken")
        except (InputError, RuntimeError) as error:
            if not contestant.from_elsewhere:
                raise
            notes.append(f"{contestant.name} was left out: it does not speak here ({error})")
        else:
            present.append(contestant)
    return present, notes


def start_cold(
    contestants: Sequence[Contestant],
    threads: int,
    kind: str,
    rounds: int,
    done: Callable[[], object],
) -> list[Cold]:
    """Start fresh processes that speak a text, with the first of each contestant's steps.

    Args:
        contestants: Everyone.
        threads: CPU threads of each.
        kind: Of the text.
        rounds: How often.
        done: Called after each start.
    """
    found = []
    for turn in range(rounds):
        for contestant in rotated(contestants, turn):
            steps = contestant.steps[0]
            with WorkerProcess(contestant, threads) as worker:
                worker.ask(text_of(kind, turn), steps)
                events = ("imported", "loaded", "first", "spoken")
                times = [worker.wait_for(event).at for event in events]
            found.append(Cold(contestant.name, steps, threads, turn, *times))
            done()
    return found


def speak_warm(
    contestants: Sequence[Contestant],
    threads: int,
    kinds: Sequence[str],
    rounds: int,
    done: Callable[[], object],
) -> tuple[list[Warm], list[Memory]]:
    """Let running processes speak texts of every kind; one speaks while the others wait.

    Args:
        contestants: Everyone; each with all its steps.
        threads: CPU threads of each.
        kinds: Of the texts.
        rounds: How often; what is spoken first, once before the rounds, does not count.
        done: Called after each call that counts.
    """
    found, peaks = [], {}
    with ExitStack() as stack:
        workers = [stack.enter_context(WorkerProcess(c, threads)) for c in contestants]
        most = max(len(worker.contestant.steps) for worker in workers)
        entries = [
            (worker, place, steps)
            for worker in workers
            for place, steps in enumerate(worker.contestant.steps)
        ]
        for worker, place, steps in entries:
            worker.ask(text_of("sentence", place), steps)
            worker.wait_for("spoken")
        for turn in range(rounds):
            for kind in kinds:
                for worker, place, steps in rotated(entries, turn):
                    # No process hears one text twice, and all hear the same ones.
                    worker.ask(text_of(kind, (turn + 1) * most + place), steps)
                    facts = worker.wait_for("spoken").facts
                    name = worker.contestant.name
                    times = (facts["first"], facts["whole"], facts["speech"])
                    found.append(Warm(name, steps, threads, kind, turn, *times))
                    peaks[name] = facts["peak"]
                    done()
    return found, [Memory(name, threads, peak) for name, peak in peaks.items()]


def rotated(items: Sequence[T], turn: int) -> list[T]:
    """The same items, beginning with another one each turn."""
    start = turn % len(items)
    return [*items[start:], *items[:start]]
