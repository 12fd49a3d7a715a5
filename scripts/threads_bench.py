"""How fast training goes with several ways for OpenMP threads to wait, alone and beside other work.

    python scripts/threads_bench.py --data data/tiny
    python scripts/threads_bench.py --settings 300000,command --rounds 5 stage.data.batch_seconds=20

Trains stage 1 of recipes/tiny again and again, the settings in turn, and prints the median seconds
of audio per second (wall time, loading included, after as many steps to warm up). A setting is a
number (GOMP_SPINCOUNT; 300000 is GNU's default), "passive" (OMP_WAIT_POLICY), "one" (one thread) or
"command" (what the command chooses itself). Further words go to the training.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence

VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
NAMED = {
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "one": {"OMP_NUM_THREADS": "1"},
    "command": {},
}


@one_sentence
def main() -> None:
    options, words = parse()
    speeds: dict[tuple[str, int], list[float]] = {}
    for turn in range(options.rounds):
        for busy in (0, options.busy):
            for setting in options.settings:
                with beside(busy):
                    speed = train(setting, options, words)
                speeds.setdefault((setting, busy), []).append(speed)
                print(f"round {turn + 1}, {setting}, {busy} busy: {speed:.1f}", file=sys.stderr)
    first = options.settings[0]
    print(f"| setting | alone | beside {options.busy} busy processes |\n| --- | --- | --- |")
    for setting in options.settings:
        cells = []
        for busy in (0, options.busy):
            speed, reference = median(speeds[setting, busy]), median(speeds[first, busy])
            cells.append(f"{speed:.1f} ({speed / reference:.2f} of {first})")
        print(f"| {setting} | {' | '.join(cells)} |")


def parse() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data/tiny"), help="prepared data folder")
    parser.add_argument("--settings", default="300000,5000,2000,1000,passive")
    parser.add_argument("--steps", type=int, default=15, help="measured, after as many unmeasured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--busy", type=int, default=2, help="processes to train beside")
    options, words = parser.parse_known_args()
    options.settings = options.settings.split(",")
    if wrong := [s for s in options.settings if s not in NAMED and not s.isdigit()]:
        raise InputError(f"{wrong[0]!r} is no setting; give a number or {', '.join(NAMED)}")
    return options, words


@contextmanager
def beside(busy: int) -> Iterator[None]:
    """Keep so many processes busy meanwhile."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def train(setting: str, options: argparse.Namespace, words: list[str]) -> float:
    """Seconds of audio per second."""
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    environment |= NAMED.get(setting, {"GOMP_SPINCOUNT": setting})
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "mmtts.train", "experiment=stage1_tiny", "trainer=cpu"),
            *(f"data.folder='{options.data.resolve()}'", f"folder={folder}/run"),
            *(f"trainer.max_steps={2 * options.steps}", f"stage.valid_every={3 * options.steps}"),
            *(f"trainer.log_every_n_steps={options.steps}", *words),
        ]
        result = subprocess.run(command, env=environment, capture_output=True, text=True)
        if result.returncode:
            raise InputError(f"training failed: {result.stderr.strip()}")
        with Path(folder, "run", "metrics.csv").open() as file:
            rows = list(csv.DictReader(file))
    return float(rows[-1]["speed/audio_seconds_per_second"])


if __name__ == "__main__":
    main()
