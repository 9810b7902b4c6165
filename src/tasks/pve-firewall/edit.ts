/** One edit out of all parts of a firewall task. */
import type { Lines } from '../../interfaces/lines.ts'
import { type Alias, retitle, setAliases, setIpset, type WantedSet } from '../../pve-firewall/edit-named.ts'
import { removeNamed, setRules } from '../../pve-firewall/edit-rules.ts'
import { setOptions } from '../../pve-firewall/options.ts'
import { removeSection, sectionIn } from '../../pve-firewall/place.ts'
import { type FileKind, parseFile } from '../../pve-firewall/sections.ts'
import type { DesiredRules } from './desired.ts'

/** A security group as it should be. */
export interface WantedGroup extends DesiredRules {
  readonly name: string
  readonly comment?: string | undefined
  readonly exclusive: boolean
}

/** Parts of a file; those that are undefined stay as they are. */
export interface WantedFile {
  readonly file: FileKind
  readonly options?: Readonly<Record<string, string>> | undefined
  readonly aliases?: { readonly present: readonly Alias[]; readonly absent: readonly string[] } | undefined
  readonly ipsets?: { readonly present: readonly WantedSet[]; readonly absent: readonly string[] } | undefined
  readonly groups?: { readonly present: readonly WantedGroup[]; readonly absent: readonly string[] } | undefined
  readonly rules?: DesiredRules | undefined
  readonly position: 'first' | 'last'
  /** Described parts hold nothing else. */
  readonly exclusive: boolean
}

/** The edit; pure, and its own fixed point. What is used comes before what uses it, so that each step finds its place. */
export function editOf(wanted: WantedFile): (lines: Lines) => Lines {
  const { file, exclusive } = wanted
  const steps: ((lines: Lines) => Lines)[] = []
  const { options, aliases, ipsets, groups, rules } = wanted
  if (options !== undefined) steps.push((lines) => setOptions(lines, file, options, exclusive))
  if (rules !== undefined)
    steps.push((lines) => setRules(lines, { file, ...rules, position: wanted.position, exclusive }))
  if (groups !== undefined) {
    steps.push(...groups.present.map((group) => (lines: Lines) => setGroup(lines, file, group, exclusive)))
    steps.push(...groups.absent.map((name) => (lines: Lines) => removeNamed(lines, file, 'group', name)))
    if (exclusive) steps.push((lines) => removeOthers(lines, file, 'group', groups.present))
  }
  if (ipsets !== undefined) {
    steps.push(
      ...ipsets.present.map(
        (set) => (lines: Lines) => setIpset(lines, file, { ...set, exclusive: exclusive || set.exclusive }),
      ),
    )
    steps.push(...ipsets.absent.map((name) => (lines: Lines) => removeNamed(lines, file, 'ipset', name)))
    if (exclusive) steps.push((lines) => removeOthers(lines, file, 'ipset', ipsets.present))
  }
  if (aliases !== undefined) {
    const { present, absent } = aliases
    steps.push((lines) => setAliases(lines, file, present, { absent, exclusive }))
  }
  return (lines) => steps.reduce((now, step) => step(now), lines)
}

function setGroup(lines: Lines, file: FileKind, { name, comment, ...wanted }: WantedGroup, exclusive: boolean): Lines {
  const filled = setRules(lines, {
    file,
    group: name,
    rules: wanted.rules,
    absent: wanted.absent,
    exclusive: exclusive || wanted.exclusive,
  })
  const has = parseFile(filled, file).sections.some((section) => section.kind === 'group' && section.name === name)
  return comment === undefined || !has ? filled : retitle(filled, sectionIn(filled, file, 'group', name), comment)
}

function removeOthers(lines: Lines, file: FileKind, kind: 'ipset' | 'group', kept: readonly { name: string }[]): Lines {
  const names = kept.map(({ name }) => name)
  return parseFile(lines, file)
    .sections.filter((section) => section.kind === kind && !names.includes(section.name))
    .reverse()
    .reduce(removeSection, lines)
}
