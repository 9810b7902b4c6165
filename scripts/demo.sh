#!/bin/bash
# From a fresh clone to applied playbooks on disposable nodes: npm run demo. Needs root on Debian.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo 'The demo starts lab nodes in containers, which needs root: sudo npm run demo' >&2
  exit 1
fi

pvectl() {
  printf '\n$ pvectl %s\n' "$*"
  node bin/pvectl.js "$@"
}

bash scripts/setup.sh --lab
bash scripts/install.sh
npm run --silent build

pvectl lab up
pvectl check --inventory lab
pvectl apply --inventory lab --yes
pvectl apply --inventory lab --yes

cat <<'END'

The second run found everything as described. Go on with
  node bin/pvectl.js lab ssh node1            look round on a node
  node bin/pvectl.js check --inventory lab    after breaking something there
  node bin/pvectl.js lab down                 remove the nodes
END
