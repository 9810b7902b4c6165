/**
 * The shape of a firewall file of Proxmox VE: sections with one entry a line. Lines keep their bytes; positions are
 * those of the lines of the file (PVE::Firewall::generic_fw_config_parser, proxmox-ve-config firewall/common.rs).
 */
import { type Lines, trim } from '../interfaces/lines.ts'

/** Whose file it is: `/etc/pve/firewall/cluster.fw`, `/etc/pve/nodes/NODE/host.fw` or `/etc/pve/firewall/VMID.fw`. */
export type FileKind = 'cluster' | 'host' | 'guest'

/** What a section holds. */
export type SectionKind = 'options' | 'aliases' | 'ipset' | 'rules' | 'group'

/** One line that means something. */
export interface Entry {
  /** Index of the line. */
  readonly at: number
  /** Bytes as latin1, without blanks at the ends. */
  readonly text: string
}

/** One section, from its header to the next. */
export interface Section {
  readonly kind: SectionKind
  /** Of sets and groups, in lower case as PVE reads it; else empty. */
  readonly name: string
  /** Index of the header line. */
  readonly header: number
  /** Index of the line after the last one. */
  readonly end: number
  readonly entries: readonly Entry[]
}

/** A file, taken apart. */
export interface FirewallFile {
  readonly sections: readonly Section[]
  /** Entries above the first header, which nobody reads. */
  readonly strays: readonly Entry[]
}

const SECTIONS: Readonly<Record<FileKind, readonly SectionKind[]>> = {
  cluster: ['options', 'aliases', 'ipset', 'rules', 'group'],
  host: ['options', 'rules'],
  guest: ['options', 'aliases', 'ipset', 'rules'],
}

/** Reads a file as PVE does: a header that this kind of file does not know is an entry of the section it stands in. */
export function parseFile(lines: Lines, kind: FileKind): FirewallFile {
  const sections: (Section & { entries: Entry[] })[] = []
  const strays: Entry[] = []
  lines.forEach(({ text: line }, at) => {
    const text = trim(line)
    if (text === '' || text.startsWith('#')) return
    const header = parseHeader(text)
    if (header !== undefined && SECTIONS[kind].includes(header.kind)) {
      sections.push({ ...header, header: at, end: lines.length, entries: [] })
    } else (sections.at(-1)?.entries ?? strays).push({ at, text })
  })
  const ends = [...sections.slice(1).map(({ header }) => header), lines.length]
  return { sections: sections.map((section, i) => ({ ...section, end: ends[i] ?? lines.length })), strays }
}

/** The section of a kind and name that counts: of several, PVE's last set or group replaces those before it. */
export function sectionOf({ sections }: FirewallFile, kind: SectionKind, name = ''): Section | undefined {
  return sections.findLast((section) => section.kind === kind && section.name === name)
}

/** All entries of a kind of section, in file order. */
export function entriesOf({ sections }: FirewallFile, kind: SectionKind): readonly Entry[] {
  return sections.filter((section) => section.kind === kind).flatMap(({ entries }) => entries)
}

/** The line that begins a section, as PVE writes it. Both parsers know sets and groups in this spelling only. */
export function headerText(kind: SectionKind, name = '', comment = ''): string {
  const note = comment === '' ? '' : ` # ${comment}`
  if (kind === 'ipset') return `[IPSET ${name}]${note}`
  if (kind === 'group') return `[group ${name}]${note}`
  return `[${kind.toUpperCase()}]`
}

/** The comment of a header; empty when it has none. */
export function headerComment(text: string): string {
  return /^\[[^\]]*\]\s*#\s*(.*?)\s*$/.exec(trim(text))?.[1] ?? ''
}

function parseHeader(text: string): Pick<Section, 'kind' | 'name'> | undefined {
  const plain = /^\[(options|aliases|rules)\]$/i.exec(text)?.[1]
  if (plain !== undefined) return { kind: plain.toLowerCase() as SectionKind, name: '' }
  const [, kind, name = ''] = /^\[(ipset|group)[ \t]+([^\s\]]+)\][ \t]*(?:#.*)?$/i.exec(text) ?? []
  return kind === undefined ? undefined : { kind: kind.toLowerCase() as SectionKind, name: name.toLowerCase() }
}
