#!/usr/bin/env bash
# Everything that must hold: style, types, tests. Arguments go to pytest, e.g. -k voice or -m 'not slow'.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
source scripts/setup_venv.sh
setup_venv "$root"

export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
ruff check .
ruff format --check .
mypy
python -m pytest -q -n "${TEST_WORKERS:-2}" "$@"
