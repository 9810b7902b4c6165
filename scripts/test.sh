#!/bin/bash
# All there is to test, from a clean checkout: npm test. Lab tests need root and are counted as skipped without it.
#
#   scripts/test.sh [FILTER…]    only test files whose path contains one of the words
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
  printf '\n== %s\n' "$1"
}

is_root=false
if [ "$(id -u)" = 0 ] && [ "$(uname -s)" = Linux ]; then is_root=true; fi

step 'system packages'
if $is_root; then bash scripts/setup.sh --lab; else bash scripts/setup.sh; fi

step 'npm packages'
bash scripts/install.sh

step 'lint, format, types'
npm run --silent check

step 'build'
npm run --silent build

step 'tests'
lab=()
if ! $is_root; then
  echo 'SKIPPED: the lab tests under test/lab, since real nodes in containers and VMs need root on Linux'
  lab=(--skip test/lab)
fi
exec node --import tsx scripts/run-tests.ts test ${lab[@]+"${lab[@]}"} "$@"
