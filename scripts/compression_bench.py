"""Measure A3 against its comparators: on small language models, and on a trained stage 1.

    python scripts/compression_bench.py language [--positions learned] [--seeds 3] \
        [--width 256 --layers 5 --steps 3000 --windows 96]
    python scripts/compression_bench.py pareto --figure mmtts/compression/pareto.png
    python scripts/compression_bench.py speech --model runs/stage1/lab/model --data data/lab \
        [--vocoder runs/vocoder/lab/model] [--sentences 30]
    python scripts/compression_bench.py speed --model runs/stage1/lab/model [--threads 2]
    python scripts/compression_bench.py recovery --model runs/stage1/lab/model --data data/lab

All print tables in Markdown. `mmtts/compression/README.md` holds the measured ones.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import compression_speech
import torch
from compression_comparators import RATIOS
from compression_language import MAKERS, bench_language
from compression_pareto import bench_pareto

RESULTS = "folder; what is there is not made again [runs/compression/POSITIONS]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    language = commands.add_parser("language", help="small language models on scipy's docstrings")
    pareto = commands.add_parser("pareto", help="error against parameters and time, as a figure")
    pareto.add_argument("--figure", type=Path, default=Path("pareto.png"), help="to write")
    speech = commands.add_parser("speech", help="a trained stage-1 model against the comparators")
    recovery = commands.add_parser("recovery", help="the same, then int8 and a short fine-tune")
    speed = commands.add_parser("speed", help="of the same model, narrower")
    speed.add_argument("--seconds", type=int, nargs="+", default=[5, 20, 60], help="of speech")
    for command in (language, pareto):
        command.add_argument("--positions", choices=sorted(MAKERS), default="rotary")
        command.add_argument("--steps", type=int, default=3000, help="training steps [3000]")
        command.add_argument("--width", type=int, default=256, help="of the model [256]")
        command.add_argument("--layers", type=int, default=5, help="of the model [5]")
        command.add_argument("--seeds", type=int, default=3, help="how many, from --seed on [3]")
        command.add_argument("--windows", type=int, default=96, help="of held-out text [96]")
        command.add_argument("--results", type=Path, help=RESULTS)
    for command in (speech, recovery, speed):
        command.add_argument("--model", type=Path, required=True, help="stage-1 model folder")
    for command in (speed, pareto):
        command.add_argument("--repeats", type=int, default=20, help="of each measurement [20]")
    for command in (speech, recovery):
        command.add_argument("--data", type=Path, required=True, help="prepared data folder")
        command.add_argument("--batches", type=int, default=6, help="of calibration data [6]")
        command.add_argument("--validation", type=int, default=40, help="batches of it [40]")
    speech.add_argument("--vocoder", type=Path, help="vocoder model folder [Griffin-Lim]")
    speech.add_argument("--sentences", type=int, default=30, help="spoken per model; 0: none [30]")
    speech.add_argument("--ratios", type=float, nargs="+", default=RATIOS)
    speech.add_argument("--equal-shares", action="store_true", help="only without a common budget")
    recovery.add_argument("--steps", type=int, default=15, help="of fine-tuning [15]")
    recovery.add_argument("--rate", type=float, default=1e-4, help="learning rate [1e-4]")
    recovery.add_argument("--lora", type=int, default=0, help="rank of updates; 0: all weights [0]")
    for command in commands.choices.values():
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--threads", type=int, default=1, help="CPU threads [1]")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    started, used = time.perf_counter(), time.process_time()
    if options.command in ("language", "pareto"):
        options.results = options.results or Path("runs", "compression", options.positions)
        {"language": bench_language, "pareto": bench_pareto}[options.command](options)
    else:
        getattr(compression_speech, f"bench_{options.command}")(options)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"\nwall {wall / 60:.1f} min, CPU {cpu / 60:.1f} min")


if __name__ == "__main__":
    main()
