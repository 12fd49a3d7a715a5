#!/usr/bin/env bash
# From a fresh clone to speech: bash scripts/demo.sh
# Installs into .venv, trains every stage on self-made data, and speaks in voices from a face, a
# sentence, a clip and a mix. About 15 minutes on two free CPU cores, no root, no downloads but the
# Python packages. Words given here go to every training: bash scripts/demo.sh trainer=cpu
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/help.sh"
help_if_asked "$@"
cd "$root"
source scripts/setup_venv.sh
setup_venv "$root" demo

started=$SECONDS
bash recipes/tiny/run.sh "$@"

echo
echo "Done in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s."
echo "Listen:"
find outputs/tiny -name '*.wav' | sort | sed "s|^|  $root/|"
find outputs/tiny -name '*.html' | sed "s|^|Page: $root/|"
