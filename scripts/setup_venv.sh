# Sourced by demo.sh and test.sh: makes .venv in the repository, once, and puts it on PATH.
# A stamp of what was installed makes every later run quick.

fail() { echo "error: $*" >&2; exit 1; }

find_python() {
  local name
  for name in python3.11 python3.12 python3 python; do
    if command -v "$name" >/dev/null 2>&1 &&
      "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

setup_venv() {
  local root=$1 python stamp wanted
  stamp="$root/.venv/installed.txt"
  wanted=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)
  if [ ! -x "$root/.venv/bin/python" ]; then
    python=$(find_python) || fail "no Python 3.11 or 3.12 on PATH; install one and run this again"
    "$python" -m venv "$root/.venv" >/dev/null 2>&1 || {
      rm -rf "$root/.venv"
      fail "$python cannot make a virtual environment; install its venv package (Debian: python3-venv)"
    }
  fi
  if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    echo "Installing into .venv (a few minutes the first time) ..."
    "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check \
      -c "$root/constraints.txt" -e "$root[demo,espeak,eval,sweep,dev]" ||
      fail "installation failed; the lines above say why"
    echo "$wanted" >"$stamp"
  fi
  # Tests and training run one thread per process: OpenMP threads of several processes thrash.
  export PATH="$root/.venv/bin:$PATH" VIRTUAL_ENV="$root/.venv"
}
