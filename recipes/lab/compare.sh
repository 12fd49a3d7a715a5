#!/usr/bin/env bash
# Every baseline and every ablation of the lab, in two tables and three figures:
#
#     bash recipes/lab/compare.sh [key=value ...]
#
# It needs stage 1 and stage 2 of recipes/lab/run.sh. What is finished is skipped and an interrupted
# training goes on, so just run it again. Words given here go to every training, such as trainer=gpu.
# Stage 2 and stage 3 are trained side by side, one thread each, from tables of frozen features.
#
# SEEDS="1 2 3" are the seeds, OUT=outputs/compare is where tables and figures go.
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

name=${NAME:-lab}
runs=runs/compare
read -ra seeds <<<"${SEEDS:-1 2 3}"
extra=("$@")
source recipes/steps.sh
out=${OUT:-outputs/compare}
stage1=runs/stage1/$name/model
stage2=runs/stage2/$name/model

# each_seed <row> <stage> <experiment> [word ...]: one run for each seed, or a sweep with -m
each_seed() {
  local row=$1 stage=$2 experiment=$3 seed
  shift 3
  for seed in "${seeds[@]}"; do
    once "$runs/$stage/$row/seed$seed/finished" train_row "$row" "$stage" "$seed" \
      "experiment=$experiment" "$@"
  done
}

train_row() {
  local row=$1 stage=$2 seed=$3
  shift 3
  $python -m mmtts.train "name=$row/seed$seed" "seed=$seed" "paths.runs=$runs" threads=1 \
    "stage1=$stage1" resume=true trainer.enable_progress_bar=false "${extra[@]}" "$@"
  touch "$runs/$stage/$row/seed$seed/finished"
}

face_rows=(all regression losses_alone no_supervision no_distillation no_contrast mu_0 mu_1 face_only)
train_faces() {
  local row
  for row in "${face_rows[@]}"; do
    each_seed "$row" stage2 "stage2_${row/#all/lab}" \
      stage.data.folds=5 -m stage.data.fold=0,1,2,3,4
  done
}

prompt_rows=(all no_text_face no_text_speech regression prompt_only mixture_density transformer)
train_prompts() {
  local row
  for row in "${prompt_rows[@]}"; do
    each_seed "$row" stage3 "stage3_${row/#all/lab}" "stage2=$stage2" stage.valid_every=300
  done
}

mkdir -p "$out"
step "1. stage 2 in five folds, and stage 3 -> $runs (messages in $out/*.log)"
set -m # each half is a process group of its own, so that neither goes on when the other fails
train_faces >"$out/faces.log" 2>&1 &
faces=$!
train_prompts >"$out/prompts.log" 2>&1 &
prompts=$!
trap 'kill -- -$faces -$prompts 2>/dev/null || true' EXIT
wait $faces || { tail -n 3 "$out/faces.log"; exit 1; }
wait $prompts || { tail -n 3 "$out/prompts.log"; exit 1; }

step "2. tables -> $out"
$python scripts/cross_validation.py --out "$out/faces" "${face_rows[@]/#/$runs/stage2/}"
$python scripts/prompt_table.py --out "$out/prompts" "${prompt_rows[@]/#/$runs/stage3/}"

step "3. figures -> $out"
$python scripts/compare_figures.py --out "$out" --faces "$runs/stage2/all" \
  --prompts "${prompt_rows[@]/#/$runs/stage3/}"
