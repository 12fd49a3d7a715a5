"""Time until the first sound of a server that several clients ask at once, and its memory.

    python scripts/serving_latency.py --model models/lab --out outputs/latency.json
    python scripts/serving_latency.py --requests 40 --clients 8 --threads 1

Starts `mmtts serve` on a free port and stops it in the end. Each client asks again as soon as it
has heard all of its answer, for one of five texts of one to three sentences. Memory is the resident
set of the server's process, before the first of the measured requests and after the last one. Where
other processes want the cores, the server's CPU seconds tell more than the clock.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence

TEXTS = (
    "The little boat came home before the storm.",
    "Yes, of course. We have been waiting for you since the morning.",
    "When the rain stopped, we walked along the river and talked about it. Nobody was cold.",
    "Thank you.",
    "The committee will publish its report in September. Until then, nothing is decided. Please "
    "ask again in a week.",
)
WANTED = {"voice": "instructions", "instructions": "A calm woman.", "response_format": "pcm"}
BYTES_PER_SECOND = 48000  # of 16 bits at 24 kHz
COUNTED = 4  # times that the memory is looked at on the way


class Answer(NamedTuple):
    """What one request met: seconds to the first sound and to the last, seconds of speech."""

    first: float
    last: float
    speech: float
    error: str = ""


@one_sentence
def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as voices, serving(options, Path(voices)) as (port, process):
        for text in TEXTS:
            if error := ask(port, text).error:
                raise InputError(f"the server does not speak: {error}")
        memory, spent = [resident_mb(process)], cpu_seconds(process)
        started, answers = time.perf_counter(), list[Answer]()
        lock = threading.Lock()
        every = max(1, options.requests // COUNTED)

        def listen(text: str) -> None:
            answer = ask(port, text)
            with lock:
                answers.append(answer)
                if len(answers) % every == 0:
                    memory.append(resident_mb(process))

        with ThreadPoolExecutor(options.clients) as clients:
            list(clients.map(listen, itertools.islice(itertools.cycle(TEXTS), options.requests)))
        took, spent = time.perf_counter() - started, cpu_seconds(process) - spent
    result = summarize(answers, took, memory) | {
        "model": str(options.model),
        "clients": options.clients,
        "cpu_seconds": spent,
        "load": os.getloadavg()[0],
    }
    print_table(result)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1), encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/lab"), help="system folder")
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--clients", type=int, default=4, help="that ask at the same time")
    parser.add_argument("--threads", type=int, help="CPU threads of the server")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    return parser.parse_args()


@contextmanager
def serving(
    options: argparse.Namespace, voices: Path
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start a server on a free port; give the port and the process."""
    command = [sys.executable, "-m", "mmtts", "serve", "--model", options.model, "--port", "0"]
    command += ["--quiet", "--voices", voices]
    if options.threads:
        command += ["--threads", str(options.threads)]
    environment = {key: value for key, value in os.environ.items() if key != "MMTTS_API_KEY"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:(\d+)", process.stdout.readline())
        if not found:
            raise InputError("the server did not start; the lines above say why")
        yield int(found[1]), process
    finally:
        process.terminate()
        process.wait()


def ask(port: int, text: str) -> Answer:
    """Ask for a text and listen to the end."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        body = json.dumps({"input": text, **WANTED})
        connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        begin = response.read(1)
        first = time.perf_counter() - started
        sound = begin + response.read()
        error = "" if response.status == 200 and sound else f"{response.status} {sound[:200]!r}"
    except (OSError, http.client.HTTPException) as broken:
        return Answer(0.0, 0.0, 0.0, repr(broken))
    finally:
        connection.close()
    return Answer(first, time.perf_counter() - started, len(sound) / BYTES_PER_SECOND, error)


def resident_mb(process: subprocess.Popen[str]) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """CPU time of a process so far, in s (`man 5 proc`: fields 14 and 15, after the name)."""
    behind_name = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = map(int, behind_name.split()[11:13])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def summarize(answers: list[Answer], took: float, memory: list[float]) -> dict[str, Any]:
    """Percentiles over the requests that succeeded."""
    good = [answer for answer in answers if not answer.error]
    result: dict[str, Any] = {
        "requests": len(answers),
        "errors": [answer.error for answer in answers if answer.error],
        "seconds": took,
        "speech_seconds": sum(answer.speech for answer in good),
        "memory_mb": memory,
    }
    for name in ("first", "last"):
        values = [getattr(answer, name) for answer in good] or [float("nan")]
        for percent in (50, 95):
            result[f"{name}_p{percent}"] = float(np.percentile(values, percent))
    return result


def print_table(result: dict[str, Any]) -> None:
    """Print what was found as a markdown table."""
    speech = result["speech_seconds"] or float("nan")
    rows = {
        "requests, clients": f"{result['requests']}, {result['clients']}",
        "errors": str(len(result["errors"])),
        "first sound, p50": f"{result['first_p50']:.2f} s",
        "first sound, p95": f"{result['first_p95']:.2f} s",
        "whole answer, p50": f"{result['last_p50']:.2f} s",
        "whole answer, p95": f"{result['last_p95']:.2f} s",
        "seconds of speech per second": f"{speech / result['seconds']:.1f}",
        "CPU seconds per second of speech": f"{result['cpu_seconds'] / speech:.3f}",
        "memory before": f"{result['memory_mb'][0]:.0f} MB",
        "memory after": f"{result['memory_mb'][-1]:.0f} MB",
        "load average": f"{result['load']:.1f}",
    }
    print("| measure | value |\n| --- | --- |")
    print("\n".join(f"| {name} | {value} |" for name, value in rows.items()))


if __name__ == "__main__":
    main()
