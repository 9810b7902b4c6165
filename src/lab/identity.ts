/** The files that make a node an individual: its name, its network, who may log in. Contents only. */
import { createHash } from 'node:crypto'
import type { NodeNames } from './names.ts'
import { gatewayOf } from './state.ts'

/** A file of a node's disk. Owner is root. */
export interface IdentityFile {
  /** Relative to the node's root. */
  readonly path: string
  readonly content: string
  readonly mode: number
}

/** What an identity is made from. */
export interface IdentityOptions {
  readonly names: NodeNames
  readonly address: string
  readonly network: string
  /** Public key that may log in as root. */
  readonly loginKey: string
  /** NICs beside `eno1`; none unless told otherwise. */
  readonly nics?: readonly string[]
}

/** The files of a node, host key aside. */
export function identityFiles(options: IdentityOptions): readonly IdentityFile[] {
  const { names, address, network, loginKey, nics = [] } = options
  const file = (path: string, content: string, mode = 0o644) => ({ path, content, mode })
  return [
    file('etc/hostname', `${names.hostname}\n`),
    file('etc/hosts', hosts(names, address)),
    file('etc/machine-id', `${machineId(names.machine, address)}\n`),
    // Nobody answers there, which nodes learn at once.
    file('etc/resolv.conf', `search lab.internal\nnameserver ${gatewayOf(network)}\n`),
    file('etc/network/interfaces', interfaces(`${address}/24`, gatewayOf(network), nics)),
    file('root/.ssh/authorized_keys', `${loginKey.trim()}\n`, 0o600),
  ]
}

/** /etc/network/interfaces as the installer of PVE leaves it: NICs that it does not use come last. */
export function interfaces(cidr: string, gateway: string, nics: readonly string[] = []): string {
  return `auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress ${cidr}
\tgateway ${gateway}
\tbridge-ports eno1
\tbridge-stp off
\tbridge-fd 0
${nics.map((nic) => `\niface ${nic} inet manual\n`).join('')}
source /etc/network/interfaces.d/*
`
}

/** /etc/hosts with the node's name at its address, not at a loopback one: PVE insists on that. */
function hosts({ fqdn, hostname }: NodeNames, address: string): string {
  return `127.0.0.1 localhost.localdomain localhost
${address} ${fqdn} ${hostname}

# The following lines are desirable for IPv6 capable hosts

::1     ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
ff02::3 ip6-allhosts
`
}

function machineId(machine: string, address: string): string {
  return createHash('sha256').update(`${machine} ${address}`).digest('hex').slice(0, 32)
}
