"""Measure time and memory: ``python -m mmtts.benchmark model=FOLDER[,FOLDER ...]``."""

from __future__ import annotations

import sys

from mmtts.command.hydra_command import run_hydra, typed_words
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

HELP = """usage: python -m mmtts.benchmark [model=FOLDER[,FOLDER ...]] [key=value ...]

  model=FOLDER,...      system folders, also as mmtts.export wrote them [$MMTTS_MODEL, or
                        the package's]
  out=FOLDER            where results.json and results.md go [runs/benchmark/<model>]
  threads=N,...         CPU threads [1,2]
  steps=N,...           flow steps per sentence [4,2]
  texts=KIND,...        word, short, sentence (5 s), paragraph (20 s), page (60 s) [all]
  repeats=N  cold=N     rounds of warm calls [10]; of fresh processes [3]
  cold_text=KIND        what a fresh process speaks [paragraph]
  peers=PEER,...        matcha (Matcha-TTS's size, random weights), piper:FILE.onnx,
                        kokoro:FOLDER; one that is not there is left out [all]; null for none
  voice=FILE            a voice saved by mmtts --save-voice [made from prompt=TEXT]
  --cfg job             print the config and stop
  --debug               show tracebacks

examples
  python -m mmtts.benchmark model=models/lab
  python -m mmtts.benchmark model=models/lab,models/small threads=2 repeats=30
  python -m mmtts.benchmark model=models/lab,models/lab_onnx
  python -m mmtts.benchmark model=models/lab peers=matcha,piper:en_US-lessac-medium.onnx
"""

LISTS = ("models", "threads", "steps", "texts", "peers")
TEXTS = ("models", "peers", "voice", "prompt", "out")


@one_sentence
def main() -> None:
    """Read the command line and measure."""
    wait_briefly()
    words = sys.argv[1:]
    if {"-h", "--help"} & set(words):
        print(HELP, end="")
        return

    def task(config: object) -> None:
        from mmtts.benchmarking.contest import benchmark

        benchmark(config)  # type: ignore[arg-type]

    run_hydra(task, benchmark_words(words), "benchmark")


def benchmark_words(words: list[str]) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, paths in quotes."""
    # model=... would choose a file in conf/model
    return typed_words(words, {"model": "models"}, LISTS, TEXTS)


if __name__ == "__main__":
    main()
