/**
 * Open vSwitch in interfaces(5). PVE knows its options in underscores only (`ovs_type`), keeps a port only when the
 * bridge lists it, and wants an `auto` line for each with ifupdown2 (pve-common, PVE::Network::Interfaces).
 */
import { type Lines, words } from './lines.ts'
import { type LinkSettings, mtuWish, type OptionWish, optionInFile, writeLink } from './link-stanza.ts'
import { removeSpan } from './options.ts'
import type { StanzaType } from './place.ts'
import { optionsNamed, stanzasOf } from './stanzas.ts'

/** What kind of thing a stanza of Open vSwitch describes, by the word that both readers have for it. */
export type OvsType = 'OVSBridge' | 'OVSPort' | 'OVSIntPort' | 'OVSBond'

/** Options by name, as `ovs-vsctl set Port` takes them. */
export type OvsOptions = Readonly<Record<string, string>>

/** A port as asked for. Undefined: as the file has it. */
export interface OvsPortSettings extends LinkSettings {
  readonly type: Exclude<OvsType, 'OVSBridge'>
  readonly bridge: string
  /** Cards of a bond. */
  readonly slaves?: readonly string[] | undefined
  /** Those asked for; others that the file has stay. */
  readonly options: OvsOptions
}

/** A bridge as asked for. */
export interface OvsBridgeSettings extends LinkSettings {
  /** Cards that are plugged in; others that are stay. */
  readonly ports: readonly string[]
}

/** A file that has the bridge, with those ports and the ones that it has already. */
export function writeOvsBridge(lines: Lines, settings: OvsBridgeSettings): Lines {
  const { name, ports, mtu } = settings
  const listed = ovsPortsInFile(lines, name)
  const all = [...listed, ...ports.filter((port) => !listed.includes(port))]
  const options: readonly OptionWish[] = [
    { name: 'ovs_type', value: 'OVSBridge' },
    ...(all.length === 0 ? [] : [portsWish(all)]),
    ...mtuWish(mtu, 'ovs_mtu'),
  ]
  const written = writeLink(lines, { ...settings, type: 'bridge', marks: ['ovs-type'], fresh: options, edits: options })
  return ports.reduce(
    (file, port) =>
      ovsTypeInFile(file, port) === undefined
        ? writeOvsPort(file, { name: port, type: 'OVSPort', bridge: name, options: {} })
        : file,
    written,
  )
}

/** A file that has the port, listed by its bridge and by no other. */
export function writeOvsPort(lines: Lines, settings: OvsPortSettings): Lines {
  const { name, type, bridge, slaves, mtu } = settings
  const present = parseOvsOptions(optionInFile(lines, name, 'ovs-options') ?? '')
  // PVE would write that mode for a bond without one.
  const mode: OvsOptions = type === 'OVSBond' ? { bond_mode: 'active-backup' } : {}
  const merged = { ...mode, ...present, ...settings.options }
  const options: readonly OptionWish[] = [
    ...(slaves === undefined ? [] : [{ name: 'ovs_bonds', value: slaves.join(' '), same: sameWords(slaves) }]),
    { name: 'ovs_type', value: type },
    { name: 'ovs_bridge', value: bridge },
    ...mtuWish(mtu, 'ovs_mtu'),
    ...(Object.keys(merged).length === 0
      ? []
      : [{ name: 'ovs_options', value: formatOvsOptions(merged), same: (text?: string) => sameOptions(text, merged) }]),
  ]
  const written = writeLink(lines, {
    ...settings,
    autostart: true,
    type: STANZA_TYPE[type],
    marks: ['ovs-type'],
    fresh: options,
    edits: options,
  })
  const freed = (slaves ?? []).reduce((file, slave) => withoutOvsPort(file, slave, bridge), written)
  return listPort(freed, bridge, name)
}

/** A file in which a card is no port of the bridge any more, and an ordinary card again. */
export function withoutOvsPort(lines: Lines, name: string, bridge?: string): Lines {
  if (ovsTypeInFile(lines, name) === undefined) return lines
  const own = bridge === undefined || optionInFile(lines, name, 'ovs-bridge') === bridge
  if (!own) return lines
  const unlisted = unlistPort(lines, name)
  const spans = stanzasOf(unlisted, name).flatMap((stanza) => optionsNamed(stanza, ...PORT_OPTIONS))
  return [...spans].sort((a, b) => b.first - a.first).reduce(removeSpan, unlisted)
}

/** A file whose bridges list the port no longer. */
export function unlistPort(lines: Lines, name: string): Lines {
  return ovsBridgesOf(lines)
    .filter((bridge) => ovsPortsInFile(lines, bridge).includes(name))
    .reduce(
      (file, bridge) =>
        setPorts(
          file,
          bridge,
          ovsPortsInFile(file, bridge).filter((port) => port !== name),
        ),
      lines,
    )
}

/** What a stanza describes; undefined when it is none of Open vSwitch's. */
export function ovsTypeInFile(lines: Lines, name: string): string | undefined {
  return optionInFile(lines, name, 'ovs-type')
}

/** Ports that a bridge lists. */
export function ovsPortsInFile(lines: Lines, name: string): readonly string[] {
  return words(optionInFile(lines, name, 'ovs-ports') ?? '')
}

/** Cards of a bond by its file. */
export function ovsSlavesInFile(lines: Lines, name: string): readonly string[] {
  return words(optionInFile(lines, name, 'ovs-bonds') ?? '')
}

/** Options of a port by its file. */
export function ovsOptionsInFile(lines: Lines, name: string): OvsOptions {
  return parseOvsOptions(optionInFile(lines, name, 'ovs-options') ?? '')
}

/** Internal ports and bonds of a bridge, which would be nothing without it. */
export function builtOnOvsBridge(lines: Lines, bridge: string): readonly string[] {
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return names.filter(
    (name) =>
      ['OVSIntPort', 'OVSBond'].includes(ovsTypeInFile(lines, name) ?? '') &&
      optionInFile(lines, name, 'ovs-bridge') === bridge,
  )
}

/** `tag=50 vlan_mode=access`, in one order. */
export function formatOvsOptions(options: OvsOptions): string {
  return Object.entries(options)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

/** Reads options as PVE does; words without a value are left out. */
export function parseOvsOptions(text: string): OvsOptions {
  const pairs = words(text).flatMap((word) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(word) ?? []
    return key === undefined || value === undefined ? [] : [[key, value] as const]
  })
  return Object.fromEntries(pairs)
}

const STANZA_TYPE: Readonly<Record<OvsPortSettings['type'], StanzaType>> = {
  OVSPort: 'eth',
  OVSIntPort: 'OVSIntPort',
  OVSBond: 'bond',
}

const PORT_OPTIONS = ['ovs-type', 'ovs-bridge', 'ovs-options', 'ovs-mtu', 'ovs-bonds', 'ovs-extra']

function ovsBridgesOf(lines: Lines): readonly string[] {
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return names.filter((name) => ovsTypeInFile(lines, name) === 'OVSBridge')
}

function listPort(lines: Lines, bridge: string, name: string): Lines {
  const others = ovsBridgesOf(lines).filter((other) => other !== bridge && ovsPortsInFile(lines, other).includes(name))
  const alone = others.length === 0 ? lines : unlistPort(lines, name)
  const listed = ovsPortsInFile(alone, bridge)
  return listed.includes(name) || stanzasOf(alone, bridge).length === 0
    ? alone
    : setPorts(alone, bridge, [...listed, name])
}

function setPorts(lines: Lines, bridge: string, ports: readonly string[]): Lines {
  const wish = ports.length === 0 ? { name: 'ovs_ports', value: undefined } : portsWish(ports)
  return writeLink(lines, { name: bridge, type: 'bridge', marks: ['ovs-type'], fresh: [], edits: [wish] })
}

function portsWish(ports: readonly string[]): OptionWish {
  return { name: 'ovs_ports', value: ports.join(' '), same: sameWords(ports) }
}

function sameWords(wanted: readonly string[]): (text?: string) => boolean {
  return (text) => text !== undefined && [...words(text)].sort().join(' ') === [...wanted].sort().join(' ')
}

function sameOptions(text: string | undefined, wanted: OvsOptions): boolean {
  const sorted = (options: OvsOptions) => formatOvsOptions(options).split(' ').sort().join(' ')
  return sorted(parseOvsOptions(text ?? '')) === sorted(wanted)
}
