#!/bin/bash
# Installs the npm packages of the lock file, unless that has been done since it last changed.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo 'install: npm ci'
  # Without install scripts: the native parts of ssh2 are not needed, and nothing else has any.
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
