# Sourced by demo.sh and test.sh: makes .venv in the repository, once, and puts it on PATH.
# setup_venv ROOT demo installs what recipes/tiny needs, setup_venv ROOT test the rest as well.
# A stamp per level says what was installed, so that every later run is quick.

# GB: what .venv takes in the end, and what the downloads take beside it until then.
INSTALLED_GB=6
DOWNLOADS_GB=3

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

# setup_venv <repository> <demo or test>
setup_venv() {
  local root=$1 level=$2 wanted extras=demo levels=demo
  if [ "$level" = test ]; then
    extras=demo,eval,serve,sweep,dev levels="demo test"
  fi
  wanted=$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)
  if [ "$(cat "$root/.venv/installed-$level.txt" 2>/dev/null)" != "$wanted" ]; then
    check_disk "$root"
    make_venv "$root"
    install_packages "$root" "$extras"
    for level in $levels; do
      echo "$wanted" >"$root/.venv/installed-$level.txt"
    done
  fi
  export PATH="$root/.venv/bin:$PATH" VIRTUAL_ENV="$root/.venv"
}

# check_disk <repository>: what is there already counts as taken
check_disk() {
  local needed free there
  needed=$((INSTALLED_GB + DOWNLOADS_GB))
  free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1000000) }')
  there=$(megabytes "$1/.venv")
  if [ $((free + there / 1000)) -lt "$needed" ]; then
    fail "$1 has $free GB free, and installing takes $needed GB for a while ($INSTALLED_GB GB in the end); make room and run this again"
  fi
  echo "Installing into .venv: $INSTALLED_GB GB in the end, of $free GB free (most of it is torch with CUDA)."
}

# megabytes <folder>: 0 where there is none; files that vanish meanwhile do not matter
megabytes() { { du -sk "$1" 2>/dev/null || true; } | awk '{ kb = $1 } END { print int(kb / 1000) }'; }

make_venv() {
  local python
  [ ! -x "$1/.venv/bin/python" ] || return 0
  python=$(find_python) || fail "no Python 3.11 or 3.12 on PATH; install one and run this again"
  "$python" -m venv "$1/.venv" >/dev/null 2>&1 || {
    rm -rf "$1/.venv"
    fail "$python cannot make a virtual environment; install its venv package (Debian: python3-venv)"
  }
}

# install_packages <repository> <extras>: downloads lie in .venv too, since /tmp is often small
install_packages() {
  local root=$1 extras=$2 log="$1/.venv/install.log" python="$1/.venv/bin/python"
  local ticker status=0 started=$SECONDS
  local command=("$python" -m pip install --disable-pip-version-check)
  if command -v uv >/dev/null 2>&1; then
    command=(uv pip install --python "$python")
  fi
  mkdir -p "$root/.venv/tmp"
  : >"$log"
  show_progress "$root" &
  ticker=$!
  TMPDIR="$root/.venv/tmp" "${command[@]}" -c "$root/constraints.txt" -e "$root[$extras]" \
    >"$log" 2>&1 || status=$?
  kill "$ticker" 2>/dev/null || true
  wait "$ticker" 2>/dev/null || true
  [ ! -t 1 ] || printf "\r\033[K"
  rm -rf "$root/.venv/tmp"
  if [ "$status" != 0 ]; then
    tail -n 20 "$log" >&2
    fail "installation failed; the lines above, from $log, say why"
  fi
  echo "Installed in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s; .venv takes $(megabytes "$root/.venv") MB."
}

# show_progress <repository>: the time, what .venv takes by now, and what the installer said last;
# on a terminal one line that changes every two seconds, else one line every 15
show_progress() {
  local every=${PROGRESS_SECONDS:-15} begin="" end="\n" said seconds started=$SECONDS shown=0
  if [ -t 1 ]; then
    every=2 begin="\r\033[K" end=""
  fi
  # Asked every second, so that no orphan outlives an interrupted script for longer.
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    seconds=$((SECONDS - started))
    [ $((seconds - shown)) -ge "$every" ] || continue
    shown=$seconds
    said=$(awk '!/^WARNING/ { last = $0 } END { gsub(/^ +|:.*/, "", last); print substr(last, 1, 60) }' \
      "$1/.venv/install.log")
    printf "$begin%3d:%02d %6s MB  %s$end" $((seconds / 60)) $((seconds % 60)) \
      "$(megabytes "$1/.venv")" "${said:-choosing versions}"
  done
}
