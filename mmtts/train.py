"""Train one stage: ``python -m mmtts.train stage=1|2|3|vocoder|face_backbone [key=value ...]``."""

from __future__ import annotations

import sys

from mmtts.command.hydra_command import (
    hydra_words,
    is_sweep,
    name_sweep_folders,
    options,
    run_hydra,
)
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly
from mmtts.training.fit import train

HELP = """usage: python -m mmtts.train stage=STAGE [experiment=NAME] [key=value ...] [-m]

  stage         {stages}
  experiment    {experiments}
  data          {data}: which prepared folder
  trainer       {trainers}; auto takes a GPU where there is one
  logger        {loggers}; metrics.csv is always written

  name=NAME                  the run lies in runs/<stage>/<name>; an existing run is refused ...
  resume=true                ... or continued from its last checkpoint
  init=MODEL                 start from the weights of a trained model (stages 1 and vocoder):
                             a model folder, a system folder or a hub id
  stage1=FOLDER              model folder of stage 1, for stages 2 and 3 (stage2=FOLDER for stage 3)
  trainer.max_steps=N        how long
  optimizer.lr=X             any other value: --cfg job shows them all
  seed=N  threads=N          random seed; CPU threads [the cores that are idle]
  -m key=a,b,c               one run per value, one folder each (a table: scripts/sweep_table.py)
  --cfg job                  print the config and stop
  --debug                    show tracebacks

examples
  python -m mmtts.train stage=1 data=tiny experiment=stage1_tiny
  python -m mmtts.train stage=2 data=lab name=first trainer=gpu logger=tensorboard
  python -m mmtts.train stage=2 data=lab name=mu -m loss.distillation.mu=0,0.5,1
  python -m mmtts.train experiment=stage1_fine_tune init=models/lab data.folder=data/me name=me
"""


@one_sentence
def main() -> None:
    """Read the command line and train."""
    wait_briefly()
    words = hydra_words(sys.argv[1:])
    if not words or {"-h", "--help"} & set(words):
        print(help_text(), end="")
        return
    if is_sweep(words):
        words = name_sweep_folders(words)
    run_hydra(train, words, "train")


def help_text() -> str:
    """Usage with the names that the config folder offers."""
    return HELP.format(
        stages=", ".join(options("stage")),
        experiments=", ".join(options("experiment")),
        data=", ".join(options("data")),
        trainers=", ".join(options("trainer")),
        loggers=", ".join(options("logger")),
    )


if __name__ == "__main__":
    main()
