#!/usr/bin/env bash
# From a fresh clone to speech: installs, trains every stage on self-made data, speaks in voices
# from a face, a sentence, a clip and a mix. About 15 minutes on two CPU cores, no root, no downloads
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
find demo outputs/tiny -name '*.wav' 2>/dev/null | sort | sed "s|^|  $root/|"
find demo outputs/tiny -name '*.html' 2>/dev/null | sed "s|^|Page: $root/|"
