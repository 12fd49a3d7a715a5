#!/usr/bin/env bash
# From a fresh clone to speech: bash scripts/demo.sh
# Installs into .venv and speaks with the weights of the package: in ready voices, and in voices from
# faces (of nobody: means of forty), descriptions, a clip and mixtures. No root, no downloads but the
# Python packages.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/help.sh"
help_if_asked "$@"
cd "$root"
source scripts/setup_venv.sh
setup_venv "$root" demo

started=$SECONDS
out=outputs/demo
mkdir -p "$out"
mmtts "Hello, I am one of the voices that come with this package." --voice maple -o "$out/maple.wav"
python -m mmtts.page --face recipes/starter/faces/woman.png --face recipes/starter/faces/man.png \
  --speech "$out/maple.wav" --count 2 --out "$out/index.html" >/dev/null

echo
echo "Done in $((SECONDS - started)) s. Listen:"
find "$out" -name '*.wav' | sort | sed "s|^|  $root/|"
echo "Page: $root/$out/index.html"
echo
echo "Go on with:"
echo "  source .venv/bin/activate"
echo "  mmtts \"Any text.\" --prompt \"An elderly woman, slow and warm.\" -o prompt.wav"
echo "  mmtts \"Any text.\" --face picture.jpg -o face.wav"
