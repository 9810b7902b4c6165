/** What the hooks of an interface do to a table of rules when it comes up: needed to predict `ifup`. */
import { type NatRule, type NatState, natRule } from '../facts/nat.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { hookPhase } from './hook-lines.ts'
import { type IptablesCall, programOf, type RulePlace, readIptablesCall } from './iptables-call.ts'
import { readRule, ruleArgs } from './rules.ts'
import { type ShellCommand, shellCommands } from './shell-line.ts'

/** A table of one family. */
export type Table = Pick<RulePlace, 'family' | 'table'>

/** The table after the up hooks of an interface have run; undefined when a hook cannot be foreseen. */
export function rulesAfterUp(table: Table, state: NatState, lines: Lines, name: string): NatState | undefined {
  if (!state.available) return state
  let rules: readonly NatRule[] | undefined = state.rules
  for (const { options } of stanzasOf(lines, name)) {
    for (const option of options) {
      if (hookPhase(option.name) !== 'up' || !/ip6?tables/.test(option.value) || rules === undefined) continue
      rules = runLine(table, rules, shellCommands(option.value, name))
    }
  }
  return rules === undefined ? undefined : { available: true, rules }
}

function runLine(
  table: Table,
  before: readonly NatRule[],
  commands: readonly ShellCommand[],
): readonly NatRule[] | undefined {
  let rules = before
  let succeeded = true
  for (const { words, joint, nested } of commands) {
    const call = readCall(table, words)
    if (call === undefined && mayTouch(table, words)) return undefined
    if (call !== undefined && (nested || joint === '|' || joint === '&')) return undefined
    if ((joint === '&&' && !succeeded) || (joint === '||' && succeeded)) continue
    const outcome: Outcome = call === undefined ? { rules, succeeded: true } : runCall(rules, call)
    rules = outcome.rules
    succeeded = outcome.succeeded
  }
  return rules
}

interface Outcome {
  readonly rules: readonly NatRule[]
  readonly succeeded: boolean
}

/** A call about a rule that pvectl knows, in the kernel's spelling. */
interface Call {
  readonly operation: IptablesCall['operation']
  readonly rule: NatRule
}

function readCall(table: Table, words: ShellCommand['words']): Call | undefined {
  const call = readIptablesCall(words)
  if (call === undefined || call.family !== table.family || call.table !== table.table) return undefined
  const rule = readRule(call, call.args)
  return rule === undefined ? undefined : { operation: call.operation, rule: natRule(call.chain, ruleArgs(rule)) }
}

function runCall(rules: readonly NatRule[], { operation, rule }: Call): Outcome {
  const at = rules.findIndex(({ chain, args }) => chain === rule.chain && args.join(' ') === rule.args.join(' '))
  if (operation === 'add') return { rules: [...rules, rule], succeeded: true }
  if (operation === 'insert') return { rules: [rule, ...rules], succeeded: true }
  if (operation === 'delete' && at >= 0) return { rules: rules.filter((_, i) => i !== at), succeeded: true }
  return { rules, succeeded: at >= 0 }
}

/** Any other call on a chain that pvectl keeps in order, or one that only a shell could read. */
function mayTouch({ family, table }: Table, words: ShellCommand['words']): boolean {
  const readable = words.filter((word) => word !== undefined)
  const program = programOf(family)
  if (!readable.some((word) => word === program || word.startsWith(`${program}-`) || word.endsWith(`/${program}`)))
    return false
  const named = readable.indexOf('-t')
  if (named >= 0 && readable[named + 1] !== table && !readable.some((word) => /restore/.test(word))) return false
  const chain = table === 'nat' ? /POSTROUTING|^-F$|restore/ : /PREROUTING|^-F$|restore/
  return readable.length < words.length || readable.some((word) => chain.test(word))
}
