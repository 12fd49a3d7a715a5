#!/usr/bin/env bash
# What more native speech brings: bash recipes/starter/curve.sh [key=value ...]
# Stage 1 learns from random weights with an eighth, a quarter, a half and all of the native clips of
# data/starter, which come as often in all, beside all other speech; STEPS steps (2000). Then a table and
# a figure of how well each model expects native people it never heard. Finished models are kept, so
# just run it again. The words go to every training, such as threads=1 or trainer=gpu.
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

extra=("$@")
name=curve
data=${DATA:-data/starter}
source recipes/steps.sh

models=()
for parts in 8 4 2 1; do
  name=native_1_of_$parts
  step "1/$parts of the native speech -> runs/stage1/$name"
  train stage1 stage1_starter "data.folder=$data" "stage.max_steps=${STEPS:-2000}" \
    "+stage.data.shares.native=$($python -c "print(1 / $parts)")" \
    "stage.data.repeats.native=$((2 * parts))"
  models+=("runs/stage1/$name/model")
done

step "table and figure -> outputs/curve"
$python recipes/starter/curve.py "${models[@]}" --data "$data" --out outputs/curve
