/** Facts about a node as such: its name, addresses, network cards, clock, disk and shell. */
import { rawScript } from '../connection/script.ts'
import { sections } from './cluster.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A network card. */
export interface Nic {
  readonly name: string
  readonly mac: string
  /** A systemd link file names it, so a new kernel or another card cannot rename it. */
  readonly pinned: boolean
}

/** A default route of one family. */
export interface DefaultRoute {
  readonly gateway: string | undefined
  readonly device: string
}

/** What a node is like before anything is done to it. */
export interface HostBasics {
  /** As Proxmox VE calls it: without the domain. */
  readonly hostname: string
  /** Full name as far as the node can tell, in small letters; may be the short one. */
  readonly fqdn: string
  /** Addresses that the node's own name resolves to, on the node. */
  readonly resolved: readonly string[]
  /** Its addresses other than loopback and link-local ones, with prefix length and device. */
  readonly addresses: readonly { readonly cidr: string; readonly device: string }[]
  readonly route4: DefaultRoute | undefined
  readonly route6: DefaultRoute | undefined
  /** Bridges with their ports. */
  readonly bridges: ReadonlyMap<string, readonly string[]>
  readonly nics: readonly Nic[]
  /** Version of ifupdown2 as `ifreload -V` prints it; undefined without ifupdown2. */
  readonly ifupdown2: string | undefined
  /** `differs`: /etc/network/interfaces.new waits to replace the file, with other content. */
  readonly pending: 'none' | 'same' | 'differs'
  /** Free space of the root file system in MiB. */
  readonly freeMiB: number
  /** Clock of the node, milliseconds since the epoch. */
  readonly now: number
  /** Time services that run: `chrony`, `systemd-timesyncd`, … */
  readonly timeServices: readonly string[]
  /** The time service has found its servers; undefined where it cannot say. */
  readonly synchronized: boolean | undefined
  /** Public host keys, `TYPE BASE64`. */
  readonly hostKeys: readonly string[]
  /** What root's shell prints for a command over SSH that prints nothing (~/.bashrc), at most 200 characters. */
  readonly noise: string
  /** Where root's authorized_keys really is. */
  readonly authorizedKeys: string
}

/** Names of the time services that count, as units without suffix. */
export const TIME_SERVICES = ['chrony', 'systemd-timesyncd', 'ntpsec', 'ntp', 'openntpd'] as const

/** About thirty processes, all read-only. */
export const hostBasicsFact: FactKind<HostBasics> = {
  name: 'host-basics',
  observe: (_ids, mark) => rawScript(`m=${mark}\n${OBSERVE}`),
  parse: (output, ids, mark) => ids.map(() => parseBasics(sections(output.toString('utf8'), mark))),
}

/** Reference to the fact about the node as such. */
export const hostBasicsRef: FactRef<HostBasics> = { kind: hostBasicsFact, id: 'node' }

// bash reads ~/.bashrc when sshd started it, which it tells by SSH_CLIENT and a shallow shell level.
// Proxmox VE leaves out the domain that some have in /etc/hostname (pve-common, src/PVE/INotify.pm, nodename; pve-cluster,
// src/pmxcfs/pmxcfs.c).
const OBSERVE = `h=$(hostname); h=\${h%%.*}
echo "$m hostname"; echo "$h"
echo "$m fqdn"; timeout 15 hostname -f 2>/dev/null
echo "$m resolved"; timeout 15 getent ahosts "$h" | awk '{print $1}' | sort -u
echo "$m addresses"; ip -o address show scope global | awk '{print $2, $4}'
echo "$m route4"; ip -o -4 route show default | head -n1
echo "$m route6"; ip -o -6 route show default | head -n1
echo "$m bridges"
for b in /sys/class/net/*/bridge; do
	[ -d "$b" ] || continue
	b=$(dirname "$b"); echo "$(basename "$b")" $(ls "$b/brif" 2>/dev/null)
done
echo "$m nics"
for n in /sys/class/net/*; do
	name=$(basename "$n")
	case $name in lo|tap*|veth*|fw*|vmbr*|bond*|*.*) continue ;; esac
	[ -e "$n/device" ] || [ -e "$n/brport" ] || continue
	[ ! -d "$n/bridge" ] || continue
	echo "$name $(cat "$n/address")"
done
echo "$m links"
for d in /etc/systemd/network /run/systemd/network /usr/local/lib/systemd/network; do
	for f in "$d"/*.link; do [ ! -f "$f" ] || grep -hiE '^[[:space:]]*(MACAddress|PermanentMACAddress|Name)[[:space:]]*=' "$f"; done
done
echo "$m ifupdown2"; timeout 10 ifreload -V 2>&1 | head -n 3
echo "$m pending"
if [ -e /etc/network/interfaces.new ]; then
	if cmp -s /etc/network/interfaces.new /etc/network/interfaces; then echo same; else echo differs; fi
else echo none; fi
echo "$m disk"; df -Pk / | awk 'NR == 2 {print $4}'
echo "$m time"; systemctl is-active ${TIME_SERVICES.map((name) => `${name}.service`).join(' ')} 2>/dev/null
echo "$m synchronized"
if [ -e /run/systemd/timesync/synchronized ]; then echo yes
elif command -v chronyc >/dev/null; then
	if timeout 5 chronyc -n tracking 2>/dev/null | grep -q '^Leap status *: Normal'; then echo yes; else echo no; fi
fi
echo "$m hostkeys"; cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null
echo "$m noise"
timeout 5 env -i HOME=/root PATH="$PATH" SSH_CLIENT='192.0.2.1 1 22' bash -c : </dev/null 2>&1 | head -c 200; echo
echo "$m keys"; readlink -m /root/.ssh/authorized_keys
echo "$m now"; date +%s%N
`

function parseBasics(part: (name: string) => string): HostBasics {
  const lines = (name: string) => part(name).split('\n').filter(Boolean)
  const links = part('links').toLowerCase()
  const states = lines('time')
  return {
    hostname: part('hostname'),
    fqdn: part('fqdn').toLowerCase(),
    resolved: lines('resolved'),
    addresses: lines('addresses').map((line) => {
      const [device = '', cidr = ''] = line.split(' ')
      return { device, cidr }
    }),
    route4: parseRoute(part('route4')),
    route6: parseRoute(part('route6')),
    bridges: new Map(lines('bridges').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1)])),
    nics: lines('nics').map((line) => {
      const [name = '', mac = ''] = line.split(' ')
      const pinned = links.includes(mac.toLowerCase()) || links.split('\n').includes(`name=${name.toLowerCase()}`)
      return { name, mac, pinned }
    }),
    ifupdown2: /ifupdown2:(\S+)/.exec(part('ifupdown2'))?.[1],
    pending: parsePending(part('pending')),
    freeMiB: Math.floor(Number(part('disk')) / 1024),
    now: Number(part('now')) / 1e6,
    timeServices: TIME_SERVICES.filter((_, i) => states[i] === 'active'),
    synchronized: part('synchronized') === '' ? undefined : part('synchronized') === 'yes',
    hostKeys: lines('hostkeys').map((line) => line.split(' ').slice(0, 2).join(' ')),
    noise: part('noise'),
    authorizedKeys: part('keys'),
  }
}

function parsePending(text: string): HostBasics['pending'] {
  return text === 'same' || text === 'differs' ? text : 'none'
}

/** `default via 192.0.2.1 dev vmbr0 proto kernel onlink`. */
function parseRoute(text: string): DefaultRoute | undefined {
  const device = /\bdev (\S+)/.exec(text)?.[1]
  return device === undefined ? undefined : { device, gateway: /\bvia (?:inet6? )?(\S+)/.exec(text)?.[1] }
}
