#!/usr/bin/env bash
# Everything that must hold, style, types and tests: bash scripts/test.sh
# Words given here go to pytest: bash scripts/test.sh -k voice, or -m 'not slow'
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source "$root/scripts/help.sh"
help_if_asked "$@"
cd "$root"
source scripts/setup_venv.sh
setup_venv "$root" test

source scripts/install_browser.sh
install_browser

# One thread per process: OpenMP threads of several processes thrash.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
ruff check .
ruff format --check .
mypy
python -m pytest -q -n "${TEST_WORKERS:-2}" "$@"
