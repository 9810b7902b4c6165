/** Names that a lab gives to things on this machine. All carry its own prefix, so that `lab down` finds them again. */
import { createHash } from 'node:crypto'
import { PvectlError } from '../errors.ts'

/** Name of the lab that commands mean unless told otherwise. */
export const DEFAULT_LAB = 'lab'

/** Nodes a lab can hold: addresses .11 to .254 of its network. */
export const MAX_NODES = 244

/** Where the things of one lab are to be found on this machine. */
export interface LabNames {
  readonly lab: string
  /** Host bridge; also the prefix of the host ends of all veth pairs. Interface names end at 15 characters. */
  readonly bridge: string
  /** Prefix of the network namespaces, `pvectl.LAB.`; lab names hold no dot, so no lab matches another's. */
  readonly netnsPrefix: string
  /** Control group of the lab, relative to the root of a hierarchy. */
  readonly cgroup: string
}

/** Names of one node's things. */
export interface NodeNames {
  readonly netns: string
  /** Host end of the node's network cable. */
  readonly veth: string
  /** Relative to the root of a hierarchy. */
  readonly cgroup: string
  /** What systemd-nspawn calls the node. */
  readonly machine: string
  /** MAC of eno1, locally administered; stays the same, so that neighbour tables survive a reboot. */
  readonly mac: string
  /** What the node calls itself: one label, as PVE wants it. */
  readonly hostname: string
  /** Name with a domain for /etc/hosts. */
  readonly fqdn: string
}

/** Checks the name of a lab. Throws USAGE. */
export function checkLabName(lab: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?$/.test(lab)) return lab
  throw new PvectlError('USAGE', `\`${lab}\` is no name for a lab`, {
    hint: 'use up to 20 lower-case letters, digits and hyphens',
  })
}

/** Names of a lab's things. Throws USAGE for a bad lab name. */
export function labNames(lab: string): LabNames {
  const digest = createHash('sha256').update(checkLabName(lab)).digest('hex').slice(0, 6)
  return { lab, bridge: `pvl${digest}`, netnsPrefix: `pvectl.${lab}.`, cgroup: `pvectl.${lab}` }
}

/** Names of a node's things. `number` counts from 1 and is unique in the lab. */
export function nodeNames({ bridge, netnsPrefix, cgroup }: LabNames, name: string, number: number): NodeNames {
  const slug = nodeSlug(name)
  const isAddress = /^[\d.]+$/.test(slug)
  const hostname = isAddress ? `node${number}` : (slug.split('.')[0] ?? slug)
  const digest = bridge.slice(-6)
  return {
    netns: `${netnsPrefix}${slug}`,
    veth: `${bridge}n${number}`,
    cgroup: `${cgroup}/${slug}`,
    machine: `${bridge}n${number}`,
    mac: ['02', ...(digest.match(/../g) ?? []), '00', number.toString(16).padStart(2, '0')].join(':'),
    hostname,
    fqdn: !isAddress && slug.includes('.') ? slug : `${hostname}.lab.internal`,
  }
}

/** MAC of a further NIC of a node, counted from 0, which is the one of {@link NodeNames.mac}. */
export function macOf({ mac }: NodeNames, nic: number): string {
  const bytes = mac.split(':')
  bytes[4] = nic.toString(16).padStart(2, '0')
  return bytes.join(':')
}

/** A node's name made fit for paths and host names. */
export function nodeSlug(name: string): string {
  return name
    .replaceAll(/[^A-Za-z0-9.-]/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60)
}
