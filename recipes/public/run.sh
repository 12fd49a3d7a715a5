#!/usr/bin/env bash
# From public corpora as their authors publish them to the three stages: bash recipes/public/run.sh /corpora
# Finished steps are skipped and whatever was interrupted goes on, so just run it again.
# The word is the folder in which each corpus was unpacked into a folder of its own, named as
# "python recipes/public/prepare.py --help" names it; those that are absent are left out and named.
# Further words go to every training, such as trainer=ddp.
# LAUNCHER (local, dask or slurm), SHARDS (64) and PROCESSES (4) say how the corpora are prepared,
# PREPARE holds further words for that, such as "--partition cpu --minutes 720".
set -euo pipefail
source "$(dirname "$0")/../../scripts/help.sh"
help_if_asked "$@"
cd "$(dirname "$0")/../.."

corpora=${1:?the folder of the corpora}
extra=("${@:2}")
name=${NAME:-public}
data=data/public
launch=(--launcher "${LAUNCHER:-local}" --processes "${PROCESSES:-4}")
source recipes/steps.sh

# LibriTTS, LibriTTS-R, LibriSpeech and Hi-Fi TTS share readers: the first that is there stands for all.
librivox=(libritts_r libritts librispeech hifi_tts)
others=(vctk ears ljspeech speechocean762 ravdess voxceleb2 lrs3 avspeech)
captions=(textrolspeech promptspeech libritts_p paraspeechcaps)
faces=(celebv_text facecaption) # with captions of their own

chosen=()
for corpus in "${librivox[@]}"; do
  [ -d "$corpora/$corpus" ] && chosen=("$corpus") && break
done
for corpus in "${others[@]}" "${faces[@]}"; do
  if [ -d "$corpora/$corpus" ]; then chosen+=("$corpus"); else echo "left out, not there: $corpus"; fi
done
[ ${#chosen[@]} -gt 0 ] || { echo "error: $corpora holds no corpus" >&2; exit 2; }
described=()
for corpus in "${captions[@]}"; do
  if [ -d "$corpora/$corpus" ]; then
    described+=("--${corpus//_/-}" "$corpora/$corpus")
  else
    echo "left out, not there: $corpus"
  fi
done
for corpus in "${faces[@]}"; do
  if [ -d "$corpora/$corpus" ]; then described+=("--${corpus//_/-}" "$corpora/$corpus"); fi
done

prepare() {
  # shellcheck disable=SC2086 # PREPARE is several words
  $python recipes/public/prepare.py "$@" --out "$data" "${launch[@]}" ${PREPARE:-}
}

step "1. ${chosen[*]} in shards -> $data/speech/shards"
merged=no
[ -e "$data/report.json" ] && merged=yes
for corpus in "${chosen[@]}"; do
  if [ $merged = yes ] && [ -d "$data/speech/shards/$corpus" ]; then
    echo "$corpus is merged already"
  else
    prepare "$corpus" "$corpora/$corpus" --shards "${SHARDS:-64}"
    rm -f "$data/report.json" # it tells of fewer corpora
  fi
done

step "2. all shards merged -> $data"
if [ ! -e "$data/report.json" ]; then
  rm -f "$data/pairs/prompt_speech_train.csv" # for other splits
  prepare --merge
fi

step "3. captions and prompts -> $data/pairs"
once "$data/pairs/prompt_speech_train.csv" \
  $python recipes/public/prompts.py --out "$data" "${described[@]}"

step "4. vocoder -> runs/vocoder/$name"
train vocoder vocoder_public

step "5. stage 1: text and style to speech -> runs/stage1/$name"
train stage1 stage1_public

step "6. stage 2: faces into the style space -> runs/stage2/$name"
train stage2 stage2_public "stage1=runs/stage1/$name/model"

step "7. stage 3: prompts into the style space -> runs/stage3/$name"
train stage3 stage3_public "stage1=runs/stage1/$name/model" "stage2=runs/stage2/$name/model"

step "8. one system folder -> $system"
bundle
