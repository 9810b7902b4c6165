/** Edits of the rules of a section: those that are described, in their order; all others stay where they are. */
import type { Lines } from '../interfaces/lines.ts'
import { insertAt, insertFirst, removeEntry, removeSection, replaceEntry, sectionIn, withSection } from './place.ts'
import { type FirewallRule, formatRule, parseRule, ruleMeaning, sameRule } from './rule.ts'
import { type FileKind, parseFile, type Section, sectionOf } from './sections.ts'

/** Rules as they should be. */
export interface WantedRules {
  readonly file: FileKind
  /** Name of the security group; undefined: the rules of the file itself. */
  readonly group?: string | undefined
  readonly rules: readonly FirewallRule[]
  /** Rules that must not be there, whatever their order. */
  readonly absent?: readonly FirewallRule[]
  /** Where rules go that have no neighbour of theirs in the file; default `first`, as the web interface puts them. */
  readonly position?: 'first' | 'last' | undefined
  /** No other rules are left. */
  readonly exclusive?: boolean | undefined
}

/** Brings the rules about. Its own fixed point. */
export function setRules(lines: Lines, wanted: WantedRules): Lines {
  const { file, group } = wanted
  const [kind, name] = group === undefined ? (['rules', ''] as const) : (['group', group] as const)
  const present = sectionOf(parseFile(lines, file), kind, name) !== undefined
  if (!present && wanted.rules.length === 0) return lines
  const find = (now: Lines) => sectionIn(now, file, kind, name)
  const start = withSection(lines, file, { kind, name })
  return place(refresh(prune(start, find, wanted), find, wanted), find, wanted)
}

type Find = (lines: Lines) => Section

/** Takes out what must not be there, what is out of order, and in an exclusive section all that is not described. */
function prune(lines: Lines, find: Find, { rules, absent = [], exclusive = false }: WantedRules): Lines {
  const kept = inOrder(find(lines), rules)
  const unwanted = new Set(absent.map(ruleMeaning))
  const wanted = new Set(rules.map(ruleMeaning))
  const isGone = (entry: { at: number; text: string }) => {
    if (kept.has(entry.at)) return false
    const rule = parseRule(entry.text)
    if (exclusive || rule === undefined) return exclusive
    const meaning = ruleMeaning(rule)
    return unwanted.has(meaning) || (wanted.has(meaning) && !isPlaced(meaning, kept))
  }
  const gone = find(lines)
    .entries.filter(isGone)
    .map(({ at }) => at)
  return gone.reverse().reduce(removeEntry, lines)
}

function isPlaced(meaning: string, kept: ReadonlyMap<number, string>): boolean {
  return [...kept.values()].includes(meaning)
}

/** Gives lines of the right meaning the right log level, comment and switch. */
function refresh(lines: Lines, find: Find, { rules }: WantedRules): Lines {
  const kept = inOrder(find(lines), rules)
  let result = lines
  for (const [at, meaning] of kept) {
    const wanted = rules.find((rule) => ruleMeaning(rule) === meaning)
    const present = parseRule(textAt(find(lines), at))
    if (wanted !== undefined && present !== undefined && !sameRule(bytesOf(wanted), present))
      result = replaceEntry(result, at, formatRule(wanted))
  }
  return result
}

/** Adds what is missing, each beside its neighbour in the description. */
function place(lines: Lines, find: Find, { rules, position = 'first' }: WantedRules): Lines {
  let result = lines
  rules.forEach((rule, index) => {
    const section = find(result)
    const at = (other: FirewallRule | undefined) =>
      other === undefined ? undefined : [...inOrder(section, rules)].find(([, m]) => m === ruleMeaning(other))?.[0]
    if (at(rule) !== undefined) return
    const before = at(rules[index - 1])
    const following = rules.slice(index + 1).find((other) => at(other) !== undefined)
    const last = section.entries.at(-1)
    const text = formatRule(rule)
    if (before !== undefined) result = insertAt(result, before + 1, [text])
    else if (following !== undefined) result = insertAt(result, at(following) ?? 0, [text])
    else if (position === 'first' || last === undefined) result = insertFirst(result, section, [text])
    else result = insertAt(result, last.at + 1, [text])
  })
  return result
}

/**
 * Lines of described rules that can stay: the longest run in the described order, as line index to meaning. The others
 * of the same meaning have to move.
 */
function inOrder(section: Section, rules: readonly FirewallRule[]): ReadonlyMap<number, string> {
  const order = new Map(rules.map((rule, index) => [ruleMeaning(rule), index]))
  const found = section.entries.flatMap(({ at, text }) => {
    const rule = parseRule(text)
    const meaning = rule === undefined ? '' : ruleMeaning(rule)
    const index = order.get(meaning)
    return index === undefined ? [] : [{ at, meaning, index }]
  })
  const best: { length: number; before: number }[] = []
  found.forEach(({ index }, i) => {
    best.push({ length: 1, before: -1 })
    for (let j = 0; j < i; j += 1) {
      const length = (best[j]?.length ?? 0) + 1
      if ((found[j]?.index ?? 0) < index && length > (best[i]?.length ?? 0)) best[i] = { length, before: j }
    }
  })
  const longest = Math.max(0, ...best.map(({ length }) => length))
  const kept = new Map<number, string>()
  for (let i = best.findIndex(({ length }) => length === longest); i >= 0; i = best[i]?.before ?? -1) {
    const rule = found[i]
    if (rule !== undefined) kept.set(rule.at, rule.meaning)
  }
  return kept
}

function textAt(section: Section, at: number): string {
  return section.entries.find((entry) => entry.at === at)?.text ?? ''
}

/** A described rule with its comment as the bytes that stand in a file. */
function bytesOf(rule: FirewallRule): FirewallRule {
  if (rule.comment === undefined) return rule
  return { ...rule, comment: Buffer.from(rule.comment, 'utf8').toString('latin1') }
}

/** Takes a group out, unless it is not there. */
export function removeNamed(lines: Lines, file: FileKind, kind: 'group' | 'ipset', name: string): Lines {
  const { sections } = parseFile(lines, file)
  return sections
    .filter((section) => section.kind === kind && section.name === name)
    .reverse()
    .reduce(removeSection, lines)
}
