# Sourced by every recipe's run.sh, in the root of the repository: what their steps have in common.
# Expects $name, $data and $extra (words for every training); finished steps are skipped.

python=${PYTHON:-python}
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

# once <file or folder> <command ...>: only where it is not there yet
once() {
  if [ -e "$1" ]; then
    echo "$1 is there already"
    return
  fi
  "${@:2}"
}

bundle() {
  once "$system" $python -m mmtts.bundle --speech-tts "runs/stage1/$name/model" \
    --vocoder "runs/vocoder/$name/model" --face-encoder "runs/stage2/$name/model" \
    --prompt-encoder "runs/stage3/$name/model" --data "$data" --out "$system"
}

# speak <file> <options of mmtts.synthesize ...>
speak() {
  once "$out/$1" $python -m mmtts.synthesize "$text" --model "$system" "${@:2}" -o "$out/$1"
}

page() {
  once "$out/page/index.html" $python -m mmtts.page --model "$system" --data "$data" --runs runs \
    --out "$out/page/index.html"
}
