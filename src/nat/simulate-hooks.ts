/** What the hooks of an interface do to the nat table when it comes up: needed to predict `ifup`. */
import { type NatRule, type NatState, natRule } from '../facts/nat.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { hookPhase } from './hook-lines.ts'
import { type ShellCommand, shellCommands } from './shell-line.ts'
import { type NatCall, readNatCall, ruleArgs } from './source-nat.ts'

/** The table after the up hooks of an interface have run; undefined when a hook cannot be foreseen. */
export function natAfterUp(state: NatState, lines: Lines, name: string): NatState | undefined {
  if (!state.available) return state
  let rules: readonly NatRule[] | undefined = state.rules
  for (const { options } of stanzasOf(lines, name)) {
    for (const option of options) {
      if (hookPhase(option.name) !== 'up' || !/iptables/.test(option.value) || rules === undefined) continue
      rules = runLine(rules, shellCommands(option.value, name))
    }
  }
  return rules === undefined ? undefined : { available: true, rules }
}

function runLine(before: readonly NatRule[], commands: readonly ShellCommand[]): readonly NatRule[] | undefined {
  let rules = before
  let succeeded = true
  for (const { words, joint, nested } of commands) {
    const call = readNatCall(words)
    if (call === undefined && mayTouchNat(words)) return undefined
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

function runCall(rules: readonly NatRule[], { operation, rule }: NatCall): Outcome {
  const added = natRule('POSTROUTING', ruleArgs(rule))
  const at = rules.findIndex(({ chain, args }) => chain === added.chain && args.join(' ') === added.args.join(' '))
  if (operation === 'add') return { rules: [...rules, added], succeeded: true }
  if (operation === 'insert') return { rules: [added, ...rules], succeeded: true }
  if (operation === 'delete' && at >= 0) return { rules: rules.filter((_, i) => i !== at), succeeded: true }
  return { rules, succeeded: at >= 0 }
}

/** Any other iptables call on POSTROUTING, or one that only a shell could read. */
function mayTouchNat(words: ShellCommand['words']): boolean {
  const readable = words.filter((word) => word !== undefined)
  if (!readable.some((word) => word.includes('iptables'))) return false
  return readable.length < words.length || readable.some((word) => /POSTROUTING|^-F$|restore/.test(word))
}
