#!/usr/bin/env bash
# A judge of voices that any user can have offline: bash recipes/judge/run.sh
# Trains it on data/lab, which recipes/lab/run.sh prepares in its first step, and prints how often it is
# wrong about people it never heard, beside resemblyzer. Finished steps are skipped and an interrupted
# training goes on, so just run it again. Words given here go to the training, such as trainer=gpu.
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

data=data/lab
name=${NAME:-lab}
extra=("$@")
source recipes/steps.sh

step "1. judge of voices -> runs/judge/$name/model"
train judge judge_lab

step "2. equal error rates on people of the test split -> runs/judge/$name/errors.md"
once "runs/judge/$name/errors.md" $python recipes/judge/errors.py \
  --judge "runs/judge/$name/model" --data "$data" --out "runs/judge/$name/errors.md"
cat "runs/judge/$name/errors.md"
