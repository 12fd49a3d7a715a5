#!/usr/bin/env bash
# From real corpora to speech: bash recipes/lab/run.sh ../shared/data
# Finished steps are skipped and an interrupted training goes on, so just run it again.
# The word is the folder of the corpora; further words go to every training, such as trainer=gpu.
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

corpora=${1:-../shared/data}
extra=("${@:2}")
name=${NAME:-lab}
data=data/lab
source recipes/steps.sh

# first_of_test <table> <column>: a person, clip or face that nobody trained on
first_of_test() {
  $python -c "import csv, sys; print(next(csv.DictReader(open(sys.argv[1])))[sys.argv[2]])" \
    "$data/pairs/$1_test.csv" "$2"
}

step "1. corpora -> $data"
$python recipes/lab/prepare.py --corpora "$corpora" --out "$data"

step "2. vocoder -> runs/vocoder/$name"
train vocoder vocoder_lab

step "3. stage 1: text and style to speech -> runs/stage1/$name"
train stage1 stage1_lab

step "4. stage 2: faces into the style space -> runs/stage2/$name"
train stage2 stage2_lab "stage1=runs/stage1/$name/model"

step "5. stage 3: prompts into the style space -> runs/stage3/$name"
train stage3 stage3_lab "stage1=runs/stage1/$name/model" "stage2=runs/stage2/$name/model"

step "6. one system folder -> $system"
bundle

step "7. speech of people who were never trained on -> $out"
mkdir -p "$out"
cut=$(first_of_test face_speech cut)
speak clip.wav --speech "$data/audio/speech2face/${cut#speech2face-}.flac" \
  --save-voice "$out/clip.safetensors"
speak face.wav --face "$data/$(first_of_test face_speech face)" \
  --save-voice "$out/face.safetensors"
speak prompt.wav --prompt "$(first_of_test prompt_speech prompt)"
speak mix.wav --voice "$out/clip.safetensors" --voice "$out/face.safetensors" --mix 0.5,0.5

step "8. tables -> $out/evaluation"
once "$out/evaluation" $python -m mmtts.evaluate "model=$system" "data=$data" "out=$out/evaluation"

step "9. a page to listen to -> $out/page/index.html"
page
