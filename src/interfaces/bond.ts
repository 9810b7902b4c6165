/** Bonds in interfaces(5), as pve-common writes them. */
import { type Lines, splice, words } from './lines.ts'
import { type LinkSettings, mtuWish, type OptionWish, optionInFile, writeLink } from './link-stanza.ts'
import { removeSpan } from './options.ts'
import { type Option, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'

/** Names of modes, by the numbers that the kernel has for them. */
export const BOND_MODES = [
  'balance-rr',
  'active-backup',
  'balance-xor',
  'broadcast',
  '802.3ad',
  'balance-tlb',
  'balance-alb',
] as const

/** How a bond spreads frames over its slaves. */
export type BondMode = (typeof BOND_MODES)[number]

/** Modes in which a hash of each frame chooses the slave. */
export const HASHING_MODES: readonly BondMode[] = ['balance-xor', '802.3ad']

/** What the hash is made of, as far as the web interface knows it. */
export const HASH_POLICIES = ['layer2', 'layer2+3', 'layer3+4'] as const

/** A bond as asked for. Undefined: as the file has it, or the default for a new one. */
export interface BondSettings extends LinkSettings {
  /** Names of links; the first gives a new bond its MAC address. */
  readonly slaves?: readonly string[] | undefined
  /** Default for a new bond: active-backup, which needs nothing of the switch. */
  readonly mode?: BondMode | undefined
  /** Slave that is preferred, of active-backup. */
  readonly primary?: string | undefined
  readonly hashPolicy?: (typeof HASH_POLICIES)[number] | undefined
  /** How often the switch is to send, of 802.3ad. The kernel's default is slow. */
  readonly lacpRate?: 'slow' | 'fast' | undefined
  /** Milliseconds between looks at the carrier. Default for a new bond: 100. */
  readonly miimon?: number | undefined
}

/** A file that has the bond, as PVE would write it. */
export function writeBond(lines: Lines, settings: BondSettings): Lines {
  const { mode = 'active-backup', miimon = 100, slaves = [] } = settings
  return writeLink(withoutOldSpelling(lines, settings.name), {
    ...settings,
    type: 'bond',
    marks: ['bond-slaves'],
    fresh: options({ ...settings, mode, miimon, slaves }).filter(({ value }) => value !== undefined),
    edits: options(settings),
  })
}

/** Slaves of a bond by its file, in any spelling; undefined when no stanza of the name has such a line. */
export function slavesInFile(lines: Lines, name: string): readonly string[] | undefined {
  const value = SPELLINGS.map((option) => optionInFile(lines, name, option)).find((text) => text !== undefined)
  return value === undefined ? undefined : readSlaves(value)
}

/** Mode of a bond by its file; both spellings are read. */
export function modeInFile(lines: Lines, name: string): BondMode {
  return readMode(optionInFile(lines, name, 'bond-mode')) ?? 'balance-rr'
}

/** A mode by name or number; undefined for what is none. */
export function readMode(text: string | undefined): BondMode | undefined {
  return BOND_MODES.find((mode, number) => text === mode || text === String(number))
}

/** A hash policy by name or number, as ifupdown2 knows them. */
export function readHashPolicy(text: string | undefined): string | undefined {
  const numbers = ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4']
  return text === undefined ? undefined : (numbers[Number(text)] ?? text)
}

/** A LACP rate in any spelling of ifupdown2. */
export function readLacpRate(text: string | undefined): 'slow' | 'fast' | undefined {
  return text === undefined ? undefined : /^(1|fast|yes|on|true)$/i.test(text) ? 'fast' : 'slow'
}

/** PVE reads `slaves` and ifupdown2 does not, with `bond-ports` it is the other way round. */
const SPELLINGS = ['bond-slaves', 'bond-ports', 'slaves']

/** Slaves in the one spelling that both read. */
function withoutOldSpelling(lines: Lines, name: string): Lines {
  const stanza = stanzasOf(lines, name).find((candidate) => oldOf(candidate) !== undefined)
  const old = stanza === undefined ? undefined : oldOf(stanza)
  if (stanza === undefined || old === undefined) return lines
  if (optionsNamed(stanza, 'bond-slaves').length > 0) return withoutOldSpelling(removeSpan(lines, old), name)
  const [indent = ''] = /^[ \t]*/.exec(lines[old.first]?.text ?? '') ?? []
  const spelled = splice(lines, old.first, old.end - old.first, [`${indent}bond-slaves ${old.value}`])
  return withoutOldSpelling(spelled, name)
}

function oldOf(stanza: Stanza): Option | undefined {
  return optionsNamed(stanza, 'slaves', 'bond-ports')[0]
}

/** What another mode has no use for goes: PVE would not write it, and the kernel refuses it. */
function options({ slaves, mode, primary, hashPolicy, lacpRate, miimon, mtu }: BondSettings): readonly OptionWish[] {
  return [
    ...(slaves === undefined
      ? []
      : [
          { name: 'bond-slaves', value: slaves.join(' ') || 'none', same: (text?: string) => sameSlaves(text, slaves) },
        ]),
    ...(miimon === undefined
      ? []
      : [{ name: 'bond-miimon', value: String(miimon), same: (text?: string) => Number(text) === miimon }]),
    ...(mode === undefined
      ? []
      : [{ name: 'bond-mode', value: mode, same: (text?: string) => readMode(text) === mode }]),
    ...ofMode(mode, HASHING_MODES, {
      name: 'bond-xmit-hash-policy',
      value: hashPolicy,
      same: (text) => readHashPolicy(text) === hashPolicy,
    }),
    ...ofMode(mode, ['active-backup'], { name: 'bond-primary', value: primary }),
    ...mtuWish(mtu),
    ...ofMode(mode, ['802.3ad'], {
      name: 'bond-lacp-rate',
      value: lacpRate,
      same: (text) => readLacpRate(text) === lacpRate,
    }),
  ]
}

/** The option as asked for; taken out when the mode is one that does not know it. */
function ofMode(mode: BondMode | undefined, modes: readonly BondMode[], wish: OptionWish): readonly OptionWish[] {
  if (wish.value !== undefined) return [wish]
  return mode === undefined || modes.includes(mode) ? [] : [{ name: wish.name, value: undefined }]
}

function readSlaves(text: string): readonly string[] {
  return words(text.replace(/[;,]/g, ' ')).filter((slave) => slave !== 'none')
}

function sameSlaves(present: string | undefined, wanted: readonly string[]): boolean {
  return present !== undefined && [...readSlaves(present)].sort().join(' ') === [...wanted].sort().join(' ')
}
