/** Edits of single options of a stanza. Each takes a file and gives the file after; nothing else moves. */
import { BLANK, type Lines, splice } from './lines.ts'
import { normalName, type Option, optionsNamed, parseBlocks, type Span, type Stanza } from './stanzas.ts'

/** Takes a span out. */
export function removeSpan(lines: Lines, { first, end }: Span): Lines {
  return splice(lines, first, end - first, [])
}

/** Gives an option another value, keeping its spelling, indentation and gap; continuation lines become one line. */
export function replaceValue(lines: Lines, option: Option, value: string): Lines {
  const text = lines[option.first]?.text ?? ''
  const [, head = `\t${option.name} `] = HEAD.exec(text) ?? []
  return splice(lines, option.first, option.end - option.first, [head + value])
}

/**
 * Sets an option of a stanza: the first of that name changes its value, others of that name go. A new one is put where
 * PVE would write it, or at least before the first blank line.
 */
export function setOption(lines: Lines, stanza: Stanza, name: string, value: string): Lines {
  const [present, ...repeated] = optionsNamed(stanza, normalName(name))
  if (present === undefined) return insertOption(lines, stanza, name, value)
  const rest = repeated.reverse().reduce(removeSpan, lines)
  return present.value === value ? rest : replaceValue(rest, present, value)
}

/** Makes the values of an option these, one line each; lines that are there stay where they are. */
export function setOptionLines(lines: Lines, stanza: Stanza, name: string, values: readonly string[]): Lines {
  const present = optionsNamed(stanza, normalName(name))
  const stale = present.filter(
    ({ value }, i) => !values.includes(value) || present.findIndex((other) => other.value === value) < i,
  )
  const kept = [...stale].reverse().reduce(removeSpan, lines)
  return values
    .filter((value) => !present.some((option) => option.value === value))
    .reduce((file, value) => insertOption(file, refind(file, lines, stanza), name, value), kept)
}

/** Adds an option line to what PVE counts as the stanza. */
export function insertOption(lines: Lines, stanza: Stanza, name: string, value: string): Lines {
  const rank = rankOf(name)
  const before = stanza.options.findLast((option) => !option.stray && rankOf(option.name) <= rank)
  const at = before?.end ?? stanza.header.end
  return splice(lines, at, 0, [`${indentOf(lines, stanza)}${name} ${value}`])
}

/** Finds the same stanza in an edited file: by name and family, and its place among its equals. */
export function refind(lines: Lines, before: Lines, stanza: Stanza): Stanza {
  const same = (file: Lines) =>
    parseBlocks(file).filter(
      (block): block is Stanza =>
        block.kind === 'iface' && block.name === stanza.name && block.family === stanza.family,
    )
  const index = same(before).findIndex(({ first }) => first === stanza.first)
  return same(lines)[index] ?? stanza
}

/** What the options of a stanza are indented with: as its last option, else a tab, as PVE writes. */
export function indentOf(lines: Lines, stanza: Stanza): string {
  const option = stanza.options.findLast(({ stray }) => !stray)
  return option === undefined ? '\t' : (/^[ \t]*/.exec(lines[option.first]?.text ?? '')?.[0] ?? '\t')
}

const HEAD = new RegExp(`^([${BLANK}]*[^${BLANK}]+[${BLANK}]+)`)

/** PVE's order: address, gateway, options of the type, other options, then hooks in file order. */
function rankOf(name: string): number {
  const normal = normalName(name)
  if (normal === 'address' || normal === 'netmask') return 0
  if (normal === 'gateway') return 1
  const at = PVE_ORDER.indexOf(normal)
  return at < 0 ? 5 : 2 + at / PVE_ORDER.length
}

/** As the writer of pve-common puts options that it knows (`__interface_to_string`); types do not mix. */
const PVE_ORDER = [
  ...['bridge-ports', 'bridge-stp', 'bridge-fd', 'bridge-vlan-aware', 'bridge-vids'],
  ...['bond-slaves', 'bond-miimon', 'bond-mode', 'bond-xmit-hash-policy', 'bond-primary'],
  ...['vxlan-id', 'vxlan-svcnodeip', 'vxlan-physdev', 'vxlan-local-tunnelip', 'vxlan-remoteip'],
  ...['ovs-bonds', 'ovs-type', 'ovs-bridge', 'ovs-ports', 'ovs-mtu', 'ovs-options'],
  ...['mtu', 'vlan-id', 'vlan-protocol', 'vlan-raw-device'],
]
