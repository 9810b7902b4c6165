/** What is plugged into what, by the file: ports of bridges, slaves of bonds, of Linux and of Open vSwitch. */
import { type Lines, words } from './lines.ts'
import { optionsNamed, stanzasOf } from './stanzas.ts'

const MEMBER_OPTIONS = ['bridge-ports', 'bond-slaves', 'bond-ports', 'slaves', 'ovs-ports', 'ovs-bonds'] as const

/** All that an interface has plugged in; `none` is nothing. */
export function membersInFile(lines: Lines, name: string): readonly string[] {
  return stanzasOf(lines, name)
    .flatMap((stanza) => optionsNamed(stanza, ...MEMBER_OPTIONS))
    .flatMap(({ value }) => words(value.replace(/[;,]/g, ' ')))
    .filter((member) => member !== 'none')
}

/** Interfaces that have another one plugged in: one at the most, or PVE refuses to save the file. */
export function ownersInFile(lines: Lines, member: string): readonly string[] {
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return names.filter((name) => membersInFile(lines, name).includes(member))
}

/** The link that a VLAN is built on, by its file or its name: `eno1` of `eno1.50`; undefined for what is no VLAN. */
export function rawDeviceInFile(lines: Lines, name: string): string | undefined {
  const raw = stanzasOf(lines, name).flatMap((stanza) => optionsNamed(stanza, 'vlan-raw-device'))
  return raw.at(-1)?.value ?? /^(.+)\.\d+$/.exec(name)?.[1]
}

/** Interfaces of the file that are VLANs on another one. */
export function vlansOnInFile(lines: Lines, name: string): readonly string[] {
  const names = [...new Set(stanzasOf(lines).map((stanza) => stanza.name))]
  return names.filter((other) => other !== name && rawDeviceInFile(lines, other) === name)
}
