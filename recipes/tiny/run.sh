#!/usr/bin/env bash
# From nothing to speech: bash recipes/tiny/run.sh
# Finished steps are skipped and an interrupted training goes on, so just run it again.
# Words given here go to every training: bash recipes/tiny/run.sh stage.max_steps=20
# In German: SPOKEN=de bash recipes/tiny/run.sh
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

spoken=${SPOKEN:-}
data=data/tiny${spoken:+_$spoken}
name=${NAME:-tiny${spoken:+_$spoken}}
extra=("$@")
source recipes/steps.sh
case $spoken in
  "") ;;
  de)
    extra=("data.folder=$data" text=espeak text.language=de "$@")
    text="Das kleine Boot kam vor dem Sturm nach Hause."
    ;;
  *)
    echo "error: SPOKEN is de, or nothing for English" >&2
    exit 2
    ;;
esac

test_face=$data/faces/tiny-female_22y_0.png
test_clip=$data/audio/tiny/male_04m_00.flac

step "1. speech, faces and prompts out of nothing -> $data"
$python recipes/tiny/prepare.py --out "$data" ${spoken:+--language "$spoken"}

step "2. vocoder -> runs/vocoder/$name"
train vocoder vocoder_tiny

step "3. stage 1: text and style to speech -> runs/stage1/$name"
train stage1 stage1_tiny

step "4. face backbone, distilled from the face teacher -> runs/face_backbone/$name"
train face_backbone face_backbone_tiny

step "5. stage 2: faces into the style space -> runs/stage2/$name"
train stage2 stage2_tiny "stage1=runs/stage1/$name/model" \
  "face_backbone=runs/face_backbone/$name/model"

step "6. stage 3: prompts into the style space -> runs/stage3/$name"
train stage3 stage3_tiny "stage1=runs/stage1/$name/model" "stage2=runs/stage2/$name/model"

step "7. one system folder -> $system"
bundle

step "8. speech in voices from a clip, a face, a prompt and a mixture -> $out"
mkdir -p "$out"
speak clip.wav --speech "$test_clip" --save-voice "$out/clip.safetensors"
speak face.wav --face "$test_face" --save-voice "$out/face.safetensors"
speak prompt.wav --prompt "A young woman speaks quickly with a high voice."
speak mix.wav --voice "$out/clip.safetensors" --voice "$out/face.safetensors" --mix 0.5,0.5

step "9. a page to listen to -> $out/page/index.html"
page

echo
echo "Listen to $out/*.wav; measure with: python -m mmtts.evaluate model=$system data=$data"
echo "(its judges: pip install -c constraints.txt -e '.[eval]')"
