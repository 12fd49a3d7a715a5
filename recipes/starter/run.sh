#!/usr/bin/env bash
# The weights that come with the package: bash recipes/starter/run.sh ../shared/data
# The speech parts learn from corpora whose licences allow to publish weights, those for faces and
# prompts from the lab's data, which does not. Finished steps are skipped and an interrupted training
# goes on, so just run it again.
# The word is the folder of the corpora; further words go to every training, such as trainer=gpu.
# Where Flite is installed (Debian: flite, wordnet-base), it speaks three hours of clean sentences to
# learn from; FLITE_HOURS=0 leaves them out.
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

corpora=${1:-../shared/data}
extra=("${@:2}")
name=${NAME:-starter}
data=data/lab
source recipes/steps.sh

step "1. speech -> data/starter"
synthetic=()
hours=${FLITE_HOURS:-3}
if [ "$hours" != 0 ] && command -v flite >/dev/null && [ -d /usr/share/wordnet ]; then
  once data/synthetic/clips.csv \
    $python recipes/starter/synthesize.py --flite --hours "$hours" --out data/synthetic
fi
[ -e data/synthetic/clips.csv ] && synthetic=(--synthetic data/synthetic)
$python recipes/lab/prepare.py --corpora "$corpora" --out data/starter --publishable --speech-only \
  --denoise speechocean762 librispeech --stretches recipes/starter/stretches.csv "${synthetic[@]}"

step "2. faces, pairs and prompts -> $data"
$python recipes/lab/prepare.py --corpora "$corpora" --out "$data"

step "3. vocoder -> runs/vocoder/$name"
train vocoder vocoder_starter

step "4. stage 1: the style space, and speech in it -> runs/stage1/$name"
train stage1 stage1_starter

step "5. stage 1 goes on in that space -> runs/stage1/${name}_more"
name=${name}_more train stage1 stage1_starter_more "init=runs/stage1/$name/model"

step "6. stage 2: faces into the style space -> runs/stage2/$name"
train stage2 stage2_lab "stage1=runs/stage1/$name/model"

step "7. stage 3: prompts into the style space -> runs/stage3/$name"
train stage3 stage3_lab "stage1=runs/stage1/$name/model" "stage2=runs/stage2/$name/model"

step "8. one system folder in half precision, with ready voices -> $system"
once "$system" $python -m mmtts.bundle --speech-tts "runs/stage1/${name}_more/model" \
  --vocoder "runs/vocoder/$name/model" --face-encoder "runs/stage2/$name/model" \
  --prompt-encoder "runs/stage3/$name/model" --voices recipes/starter/voices.yaml --half \
  --data data/starter --pairs "$data" --out "$system"

step "9. tables of people who were never trained on -> $out"
once "$out/native" $python -m mmtts.evaluate "model=$system" data=data/starter accent=native \
  limit=100 "questions=[understood,quality,reference,stability,cost]" "judge=campplus" "out=$out/native"
once "$out/lab" $python -m mmtts.evaluate "model=$system" "data=$data" limit=100 \
  "questions=[face,prompt,diversity]" "judge=campplus" "out=$out/lab"
$python recipes/starter/card.py "$system" "$out/native/results.csv" "$out/lab/results.csv"
