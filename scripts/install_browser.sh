# Sourced by test.sh: has a Chromium for the tests of the studio's page.
# install_browser: takes the one that is there, or installs Debian's, or Playwright's own. Where none
# can be had it says so, and the tests that need one are reported as skipped.

find_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    if command -v "$name"; then return; fi
  done
  return 1
}

install_browser() {
  local log
  BROWSER=$(find_browser || true)
  if [ -z "$BROWSER" ] && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    log=$(mktemp)
    echo "Installing Chromium for the tests of the page."
    if (apt-get update && apt-get install -y --no-install-recommends chromium) >"$log" 2>&1; then
      BROWSER=$(find_browser || true)
    else
      tail -n 3 "$log" >&2
    fi
    rm -f "$log"
  fi
  if [ -z "$BROWSER" ] && python -m playwright install chromium >/dev/null 2>&1; then
    BROWSER=playwright
  fi
  if [ -z "$BROWSER" ]; then
    echo "warning: there is no Chromium and none could be installed: nothing tests the studio's page" >&2
  fi
  export BROWSER
}
