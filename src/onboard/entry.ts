/** What the inventory is going to say of a new node: found on it, or proposed. Pure. */
import { PvectlError } from '../errors.ts'
import type { Plain } from '../inventory/edit.ts'
import type { Host } from '../inventory/host.ts'
import { formatIpCidr, type Ipv4Cidr, ipNetworkOf, ipOverlaps, isReserved, parseIpv4Cidr } from '../net/ip-cidr.ts'
import type { NodeSurvey } from './survey.ts'

const DEFAULT_BRIDGE = 'vmbr1'
const FIRST_SUBNET = '10.10.1.1/24'

/**
 * Variables for a host. `inherited` are those that it has anyway; what they say already is left out. `others` are the
 * hosts of the inventory, whose internal networks are in use.
 */
export function entryVars(
  { basics, pve }: NodeSurvey,
  inherited: Readonly<Record<string, unknown>>,
  others: readonly Host[],
): Readonly<Record<string, Plain>> {
  const vars: Record<string, Plain> = {}
  const uplink = (basics.route4 ?? basics.route6)?.device
  if (uplink !== undefined && basics.bridges.has(uplink) && inherited.external_bridge !== uplink) {
    vars.external_bridge = uplink
  }
  if (inherited.internal_address === undefined) vars.internal_address = internalAddress(basics, inherited, others)
  if (basics.nics.length > 0) vars.nics = basics.nics.map(({ name }) => name)
  if (pve.version !== undefined) vars.pve_version = pve.version
  return vars
}

/**
 * A node of several addresses that is in the inventory by another one already; undefined when it is not. Behind another
 * jump host the same address is that of another node.
 */
export function sameNode(
  { addresses }: NodeSurvey['basics'],
  { target }: Host,
  others: readonly Host[],
): PvectlError | undefined {
  const own = addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, ''))
  const twin = others.find(
    (other) => own.includes(other.target.address) && other.target.jump?.name === target.jump?.name,
  )
  if (twin === undefined) return undefined
  const { name } = twin
  return new PvectlError(
    'INVENTORY_INVALID',
    `the node at ${target.address} is in the inventory already, as ${name}: it has the address ${twin.target.address}`,
    { hint: `onboard it as that: pvectl onboard ${twin.target.address}; or take ${name} out if it is gone for good` },
  )
}

/** The address that the internal bridge has, where the node has one; else the first of a free network. */
function internalAddress(
  basics: NodeSurvey['basics'],
  inherited: Readonly<Record<string, unknown>>,
  others: readonly Host[],
): string {
  const bridge = typeof inherited.internal_bridge === 'string' ? inherited.internal_bridge : DEFAULT_BRIDGE
  const there = basics.addresses.find(({ device, cidr }) => device === bridge && parseIpv4Cidr(cidr) !== undefined)
  if (there !== undefined) return there.cidr
  const inUse = [
    ...others.map(({ vars }) => vars.internal_address),
    ...others.map(({ target }) => target.address),
    ...basics.addresses.map(({ cidr }) => cidr),
  ]
  return freeSubnet(inUse.filter((text) => typeof text === 'string'))
}

/** Private networks of RFC 1918, in which internal networks may lie. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].flatMap((text) => parseIpv4Cidr(text) ?? [])

/**
 * The router address of a network that none of `inUse` overlaps: the next one after the highest private network in use
 * of more than one address, of the same size and with the same last part; `10.10.1.1/24` where there is none.
 */
export function freeSubnet(inUse: readonly string[]): string {
  const used = inUse.flatMap((text) => parseIpv4Cidr(text) ?? [])
  const wide = used.filter(({ prefix }) => prefix >= 8 && prefix <= 30)
  const models = wide.filter((cidr) => rangeOf(cidr) !== undefined).sort((a, b) => Number(b.address - a.address))
  const fallback = parseIpv4Cidr(FIRST_SUBNET)
  for (const model of [...models, ...(fallback === undefined ? [] : [fallback])]) {
    const free = nextFree(model, used)
    if (free !== undefined) return formatIpCidr(free)
  }
  return FIRST_SUBNET
}

function nextFree(model: Ipv4Cidr, used: readonly Ipv4Cidr[]): Ipv4Cidr | undefined {
  const size = 1n << BigInt(32 - model.prefix)
  const range = rangeOf(model)
  const first = isReserved(model) ? ipNetworkOf(model).address + 1n : model.address
  for (let address = first; ; address += size) {
    const candidate = { ...model, address }
    if (range === undefined || !ipOverlaps(range, candidate) || address >= 1n << 32n) return undefined
    if (!used.some((other) => ipOverlaps(ipNetworkOf(other), candidate))) return candidate
  }
}

function rangeOf(cidr: Ipv4Cidr): Ipv4Cidr | undefined {
  return PRIVATE.find((range) => range.prefix <= cidr.prefix && ipOverlaps(range, cidr))
}
