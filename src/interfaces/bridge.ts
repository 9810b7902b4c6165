/** Bridges in interfaces(5): what a file says of one, and PVE's way of writing one. */
import { formatCidr, type Ipv4Cidr } from '../net/cidr.ts'
import { addressesNamed, removeAddress, setAddress } from './address.ts'
import { addAutostart, isAutostarted, removeAutostart } from './allow.ts'
import { setComment } from './comments.ts'
import { type Lines, toBytes, words } from './lines.ts'
import { setOption } from './options.ts'
import { type Option, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'
import { addStanza } from './whole-stanza.ts'

/** A bridge as asked for. Undefined: as the file has it, or the default for a new one. */
export interface BridgeSettings {
  readonly name: string
  /** `none` takes the address away. Default for a new bridge: none. */
  readonly address?: Ipv4Cidr | 'none' | undefined
  /** Names of links. Default for a new bridge: none. */
  readonly ports?: readonly string[] | undefined
  /** Default for a new bridge: false. */
  readonly stp?: boolean | undefined
  /** Forward delay in seconds. Default for a new bridge: 0, and the kernel's own with `stp`. */
  readonly forwardDelay?: number | undefined
  /** One line; empty removes it. */
  readonly comment?: string | undefined
  /** Up at boot. Default for a new bridge: true. */
  readonly autostart?: boolean | undefined
}

/** A file that has the bridge, as PVE would write it: edited where there is a stanza, added where there is none. */
export function writeBridge(lines: Lines, settings: BridgeSettings): Lines {
  if (stanzasOf(lines, settings.name).length > 0) return editBridge(lines, settings)
  const { name, autostart = true } = settings
  // An `auto` line that nothing followed up; ifupdown2 wants it above the stanza.
  const leftover = isAutostarted(lines, name) ? removeAutostart(lines, name) : lines
  return addStanza(leftover, 'bridge', newBridge({ ...settings, autostart }))
}

/** Ports of a bridge by its file; `none` is no port. Undefined when no stanza of the name has such a line. */
export function portsInFile(lines: Lines, name: string): readonly string[] | undefined {
  const option = bridgeOption(lines, name, 'bridge-ports')?.option
  return option === undefined ? undefined : words(option.value.replace(/[;,]/g, ' ')).filter((port) => port !== 'none')
}

/** Spanning tree of a bridge by its file; off when not said, as for PVE and ifupdown2. */
export function stpInFile(lines: Lines, name: string): boolean {
  const value = bridgeOption(lines, name, 'bridge-stp')?.option.value
  return value !== undefined && /^(on|yes|1|true)$/i.test(value)
}

/** Forward delay of a bridge by its file, seconds; undefined when not said. */
export function forwardDelayInFile(lines: Lines, name: string): number | undefined {
  const value = Number(bridgeOption(lines, name, 'bridge-fd')?.option.value ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}

/** MTU of a bridge by its file; undefined when not said. */
export function mtuInFile(lines: Lines, name: string): number | undefined {
  const value = Number(bridgeOption(lines, name, 'mtu')?.option.value ?? Number.NaN)
  return Number.isFinite(value) ? value : undefined
}

/** The stanza that carries the IPv4 side of an interface: `inet`, or the one without a family. */
export function inetStanza(lines: Lines, name: string): Stanza | undefined {
  const stanzas = stanzasOf(lines, name)
  return stanzas.find(({ family }) => family === 'inet') ?? stanzas.find(({ family }) => family === undefined)
}

/** What a new bridge gets where nothing is said; `fd 0` does not go with spanning tree. */
function bridgeDefaults({ ports = [], stp = false, forwardDelay }: BridgeSettings) {
  return { ports, stp, forwardDelay: forwardDelay ?? (stp ? undefined : 0) }
}

function newBridge(settings: BridgeSettings): readonly string[] {
  const { name, address, comment = '', autostart } = settings
  const { ports, stp, forwardDelay: delay } = bridgeDefaults(settings)
  const hasAddress = address !== undefined && address !== 'none'
  return [
    ...(autostart ? [`auto ${name}`] : []),
    `iface ${name} inet ${hasAddress ? 'static' : 'manual'}`,
    ...(hasAddress ? [`\taddress ${formatCidr(address)}`] : []),
    `\tbridge-ports ${portsText(ports)}`,
    `\tbridge-stp ${stp ? 'on' : 'off'}`,
    ...(delay === undefined ? [] : [`\tbridge-fd ${delay}`]),
    ...(comment === '' ? [] : [`#${toBytes(comment)}`]),
  ]
}

function editBridge(lines: Lines, settings: BridgeSettings): Lines {
  const { name, address, comment, autostart } = settings
  // Without `bridge-ports` it is no bridge yet, to PVE nor to ifupdown2: then the defaults of a new one apply.
  const isBridge = portsInFile(lines, name) !== undefined
  const { ports, stp, forwardDelay } = isBridge ? settings : { ...settings, ...bridgeDefaults(settings) }
  let file = lines
  if (address !== undefined) file = editAddress(file, name, address)
  if (ports !== undefined && !samePorts(portsInFile(file, name), ports))
    file = setBridgeOption(file, name, 'bridge-ports', portsText(ports))
  if (stp !== undefined && (stpInFile(file, name) !== stp || !isBridge))
    file = setBridgeOption(file, name, 'bridge-stp', stp ? 'on' : 'off')
  if (forwardDelay !== undefined && forwardDelayInFile(file, name) !== forwardDelay)
    file = setBridgeOption(file, name, 'bridge-fd', String(forwardDelay))
  if (comment !== undefined) file = setComment(file, name, comment)
  if (autostart === true) return addAutostart(file, name)
  return autostart === false ? removeAutostart(file, name) : file
}

function editAddress(lines: Lines, name: string, address: Ipv4Cidr | 'none'): Lines {
  const stanza = inetStanza(lines, name)
  const present = addressesNamed(lines, name).map(formatCidr)
  if (address === 'none') return stanza === undefined || present.length === 0 ? lines : removeAddress(lines, stanza)
  if (present.includes(formatCidr(address))) return lines
  return stanza === undefined
    ? addStanza(lines, 'bridge', [`iface ${name} inet static`, `\taddress ${formatCidr(address)}`])
    : setAddress(lines, stanza, address)
}

function setBridgeOption(lines: Lines, name: string, option: string, value: string): Lines {
  const stanza = bridgeOption(lines, name, option)?.stanza ?? bridgeOption(lines, name, 'bridge-ports')?.stanza
  const holder = stanza ?? inetStanza(lines, name) ?? stanzasOf(lines, name)[0]
  return holder === undefined ? lines : setOption(lines, holder, option, value)
}

/** The last such line counts, for PVE as for ifupdown2; `setOption` leaves one. */
function bridgeOption(lines: Lines, name: string, option: string): { stanza: Stanza; option: Option } | undefined {
  for (const stanza of stanzasOf(lines, name)) {
    const found = optionsNamed(stanza, option).at(-1)
    if (found !== undefined) return { stanza, option: found }
  }
  return undefined
}

function samePorts(present: readonly string[] | undefined, wanted: readonly string[]): boolean {
  return present !== undefined && [...present].sort().join(' ') === [...wanted].sort().join(' ')
}

function portsText(ports: readonly string[]): string {
  return ports.length === 0 ? 'none' : ports.join(' ')
}
