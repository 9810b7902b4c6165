#!/bin/bash
# Installs what the tests and the lab need and this machine lacks. Only as root on Debian and its kin; elsewhere it says
# what is missing and goes on.
#
#   scripts/setup.sh            what the tests need
#   scripts/setup.sh --lab      and what lab nodes need
set -euo pipefail

# Program and the package that brings it.
tests='ssh:openssh-client ssh-keygen:openssh-client sshd:openssh-server sudo:sudo ip:iproute2 iptables:iptables
perl:perl openssl:openssl curl:curl'
lab='mmdebstrap:mmdebstrap systemd-nspawn:systemd-container dpkg-scanpackages:dpkg-dev'
if [ "$(uname -m)" = x86_64 ]; then
  lab="$lab qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils mke2fs:e2fsprogs"
fi

PATH=$PATH:/usr/sbin:/sbin
wanted=$tests
if [ "${1:-}" = --lab ]; then wanted="$tests $lab"; fi

packages=()
for entry in $wanted; do
  if ! command -v "${entry%%:*}" >/dev/null; then packages+=("${entry##*:}"); fi
done
if [ ${#packages[@]} -eq 0 ]; then exit 0; fi
read -ra packages <<<"$(printf '%s\n' "${packages[@]}" | sort -u | tr '\n' ' ')"

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "setup: missing on this machine: ${packages[*]} (not installed: that takes root, and apt)"
  echo "setup: what needs them will fail or be skipped"
  exit 0
fi

echo "setup: installing ${packages[*]}"
log=$(mktemp)
# Tests start servers of their own; the packages' must not start theirs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
else
  policy=
fi
cleanup() {
  rm -f "$log" ${policy:+"$policy"}
}
trap cleanup EXIT

apt_quietly() {
  if ! DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "setup: apt-get $1 failed" >&2
    exit 1
  fi
}
apt_quietly update
apt_quietly install -y --no-install-recommends "${packages[@]}"
echo "setup: done"
