#!/usr/bin/env bash
# From real corpora to speech: bash recipes/lab/run.sh [folder of the corpora]
# Finished steps are skipped and an interrupted training goes on, so just run it again.
# Further words go to every training: bash recipes/lab/run.sh ../shared/data trainer=gpu
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python}
corpora=${1:-../shared/data}
extra=("${@:2}")
name=${NAME:-lab}
data=data/lab
system=models/$name
out=outputs/$name
text="The little boat came home before the storm."

step() { echo; echo "== $1"; }

# train <stage folder> <experiment> [key=value ...]
train() {
  local run=runs/$1/$name experiment=$2
  shift 2
  if [ -e "$run/finished" ]; then
    echo "$run is trained already"
    return
  fi
  # resume=true starts afresh where there is nothing to go on from.
  $python -m mmtts.train "experiment=$experiment" "name=$name" resume=true "$@" "${extra[@]}"
  touch "$run/finished"
}

# speak <file> <options of mmtts.synthesize ...>
speak() {
  local file=$out/$1
  shift
  [ -e "$file" ] || $python -m mmtts.synthesize "$text" --model "$system" "$@" -o "$file"
}

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

step "4. face backbone, distilled from the face teacher -> runs/face_backbone/$name"
train face_backbone face_backbone_lab

step "5. stage 2: faces into the style space -> runs/stage2/$name"
train stage2 stage2_lab "stage1=runs/stage1/$name/model" \
  "face_backbone=runs/face_backbone/$name/model"

step "6. stage 3: prompts into the style space -> runs/stage3/$name"
train stage3 stage3_lab "stage1=runs/stage1/$name/model" "stage2=runs/stage2/$name/model"

step "7. one system folder -> $system"
if [ -e "$system" ]; then
  echo "$system is there already"
else
  $python -m mmtts.bundle --speech-tts "runs/stage1/$name/model" \
    --vocoder "runs/vocoder/$name/model" --face-encoder "runs/stage2/$name/model" \
    --prompt-encoder "runs/stage3/$name/model" --data "$data" --out "$system"
fi

step "8. speech of people who were never trained on -> $out"
mkdir -p "$out"
cut=$(first_of_test face_speech cut)
speak clip.wav --speech "$data/audio/speech2face/${cut#speech2face-}.flac" \
  --save-voice "$out/clip.safetensors"
speak face.wav --face "$data/$(first_of_test face_speech face)" \
  --save-voice "$out/face.safetensors"
speak prompt.wav --prompt "$(first_of_test prompt_speech prompt)"
speak mix.wav --voice "$out/clip.safetensors" --voice "$out/face.safetensors" --mix 0.5,0.5

step "9. tables -> $out/evaluation"
[ -e "$out/evaluation" ] || $python -m mmtts.evaluate "model=$system" "data=$data" \
  "out=$out/evaluation"

step "10. a page to listen to -> $out/page/index.html"
[ -e "$out/page/index.html" ] || $python -m mmtts.page --model "$system" --data "$data" \
  --runs runs --out "$out/page/index.html"
