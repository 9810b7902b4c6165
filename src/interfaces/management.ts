/** The address by which a node is managed, in the file: which stanza has it, and its move to another. */
import { formatIpCidr, type Ipv4Cidr } from '../net/ip-cidr.ts'
import { formatIpv4 } from '../net/subnet.ts'
import { addressesNamed, inetOptions, removeAddress, setAddress } from './address.ts'
import { addAutostart } from './allow.ts'
import type { Lines } from './lines.ts'
import { inetStanza } from './link-stanza.ts'
import { joinIdleInet } from './one-family.ts'
import { insertOption, refind, removeSpan, replaceValue } from './options.ts'
import { type Stanza, stanzasOf } from './stanzas.ts'
import { addStanzaAt } from './whole-stanza.ts'

/** Where the management address is to be. */
export interface ManagementSettings {
  /** Link that gets the address. */
  readonly name: string
  readonly address: Ipv4Cidr
  /** Default gateway, a bare address. */
  readonly gateway: number
  /** Link that has the address or the gateway now; default: whichever stanza has the gateway. */
  readonly from?: string | undefined
  /** The old link keeps its address; only the gateway moves. */
  readonly keep: boolean
}

/** The link that gives up address and gateway; undefined when there is none but the one that gets them. */
export function managementLink(lines: Lines, { name, from }: ManagementSettings): string | undefined {
  const found = from ?? stanzasOf(lines).find((stanza) => stanza.name !== name && gatewaysOf(stanza).length > 0)?.name
  return found === name ? undefined : found
}

/** The file with the address and the gateway at their new place only. Pure, and its own fixed point. */
export function moveManagement(lines: Lines, settings: ManagementSettings): Lines {
  const { name, address, gateway, keep } = settings
  const old = managementLink(lines, settings)
  const released = old === undefined ? lines : release(lines, old, keep)
  const target = inetStanza(released, name)
  if (target === undefined) return addAutostart(addInet(released, settings), name)
  const has = addressesNamed(released, name).some((cidr) => formatIpCidr(cidr) === formatIpCidr(address))
  const placed = has ? released : setAddress(released, target, address)
  return addAutostart(setGateway(placed, refind(placed, released, target), formatIpv4(gateway)), name)
}

/** A link that has only IPv6 so far. */
function addInet(lines: Lines, { name, address, gateway }: ManagementSettings): Lines {
  const last = stanzasOf(lines, name).at(-1)
  const texts = [`iface ${name} inet static`, `\taddress ${formatIpCidr(address)}`, `\tgateway ${formatIpv4(gateway)}`]
  return last === undefined ? lines : addStanzaAt(lines, last.end, texts)
}

function release(lines: Lines, name: string, keep: boolean): Lines {
  const stanza = inetStanza(lines, name)
  if (stanza === undefined) return lines
  const without = [...gatewaysOf(stanza)].reverse().reduce(removeSpan, lines)
  return keep || addressesNamed(without, name).length === 0
    ? without
    : joinIdleInet(removeAddress(without, refind(without, lines, stanza)), name)
}

function setGateway(lines: Lines, stanza: Stanza, gateway: string): Lines {
  const [present, ...repeated] = gatewaysOf(stanza)
  if (present === undefined) return insertOption(lines, stanza, 'gateway', gateway)
  const rest = repeated.reverse().reduce(removeSpan, lines)
  return present.value === gateway ? rest : replaceValue(rest, present, gateway)
}

function gatewaysOf(stanza: Stanza) {
  return inetOptions(stanza, 'gateway')
}
