#!/usr/bin/env bash
# From a fresh clone to speech: installs, trains every stage on self-made data, speaks in voices
# from a face, a sentence, a clip and a mix. About 8 minutes on two free CPU cores, no root, no downloads
# but the Python packages.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup_venv.sh
setup_venv "$root"

started=$SECONDS
bash recipes/tiny/run.sh "$@"

echo
echo "Done in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s."
echo "Listen:"
find outputs/tiny -name '*.wav' | sort | sed "s|^|  $root/|"
find outputs/tiny -name '*.html' | sed "s|^|Page: $root/|"
