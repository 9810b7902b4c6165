/** Brings the hook lines of a rule in order: written once, guarded, where both PVE and ifupdown2 see them. */
import { type Lines, splice } from '../interfaces/lines.ts'
import { indentOf, insertOption, removeSpan, replaceValue } from '../interfaces/options.ts'
import { type Stanza, stanzasOf } from '../interfaces/stanzas.ts'
import { overlaps } from '../net/cidr.ts'
import {
  downCommand,
  type HookCall,
  type NatHook,
  natHooks,
  orphanHooks,
  rewriteCalls,
  upCommand,
} from './hook-lines.ts'
import { ruleArgs, type SourceNat, samePackets } from './source-nat.ts'

/** Whose hooks to bring in order. */
export interface HookWish {
  readonly rule: SourceNat
  /** Interface whose stanza gets the hooks when none has them. */
  readonly holder: string
  /** True for a rule of another network of the node, whose hooks stay. */
  readonly serves: (rule: SourceNat) => boolean
}

/** The file with the hooks of the rule: those that are there rewritten in place, extra and outdated ones gone. */
export function adoptHooks(lines: Lines, wish: HookWish): Lines {
  const tidy = tidyPhase(tidyPhase(withoutOrphans(lines, wish), wish, 'down'), wish, 'up')
  return completeHooks(tidy, wish)
}

/** The file without any hook of the rule. */
export function dropHooks(lines: Lines, wish: HookWish): Lines {
  const rest = withoutOrphans(lines, wish)
  return natHooks(rest)
    .toReversed()
    .reduce((file, hook) => withoutCalls(file, hook, wish), rest)
}

/** Hook lines that belong to no stanza, as a save in the web interface can leave them: of no effect, and in the way. */
function withoutOrphans(lines: Lines, wish: HookWish): Lines {
  return orphanHooks(lines)
    .filter(({ calls }) => calls.every(isAbout(wish)))
    .toReversed()
    .reduce((file, { span }) => removeSpan(file, span), lines)
}

/** True when a hook call is about the rule, or about what the rule takes the place of. */
export function concerns(wish: HookWish, stanza: Stanza): (call: HookCall) => boolean {
  return ({ rule }) => {
    if (rule.out !== wish.rule.out) return false
    if (samePackets(rule, wish.rule)) return true
    return !wish.serves(rule) && (overlaps(rule.source, wish.rule.source) || stanza.name === wish.holder)
  }
}

/** One phase: the best hook stays and gets the right words, all others lose theirs. */
function tidyPhase(lines: Lines, wish: HookWish, phase: 'up' | 'down'): Lines {
  const hooks = natHooks(lines).filter((hook) => hook.phase === phase && hook.calls.some(concerns(wish, hook.stanza)))
  const keeper = bestHook(hooks, wish, phase)
  return hooks
    .toReversed()
    .reduce((file, hook) => (hook === keeper ? keepHook(file, hook, wish) : withoutCalls(file, hook, wish)), lines)
}

/** A hook of the holder first; one after a blank line is of no use, since PVE would move it elsewhere. */
function bestHook(hooks: readonly NatHook[], wish: HookWish, phase: 'up' | 'down'): NatHook | undefined {
  const working = hooks.filter(
    ({ option, calls, stanza }) =>
      !option.stray &&
      calls.some((call) => concerns(wish, stanza)(call) && isSetting(call.operation) === (phase === 'up')),
  )
  return (
    working.find(({ stanza, calls }) => stanza.name === wish.holder && calls.some(isAbout(wish))) ??
    working.find(({ calls }) => calls.some(isAbout(wish))) ??
    working.find(({ stanza }) => stanza.name === wish.holder)
  )
}

function isAbout(wish: HookWish): (call: HookCall) => boolean {
  return ({ rule }) => samePackets(rule, wish.rule)
}

function isSetting(operation: HookCall['operation']): boolean {
  return operation === 'add' || operation === 'insert'
}

function keepHook(lines: Lines, hook: NatHook, wish: HookWish): Lines {
  if (hook.pure && isInOrder(hook, wish)) return lines
  const whole = hook.phase === 'up' ? upCommand(wish.rule) : downCommand(wish.rule)
  const value = hook.pure ? whole : rewriteCalls(hook, concerns(wish, hook.stanza), wish.rule)
  return value === hook.option.value ? lines : replaceValue(lines, hook.option, value)
}

/** Somebody else's words for the same: left as they are. */
function isInOrder({ phase, calls, option }: NatHook, wish: HookWish): boolean {
  const right = calls.every(({ rule, exact }) => exact && ruleArgs(rule).join(' ') === ruleArgs(wish.rule).join(' '))
  const operations = calls.map(({ operation }) => operation)
  if (!right) return false
  if (phase === 'down') return operations.every((operation) => operation === 'delete') && option.value.includes('||')
  const [check, ...rest] = calls
  return check?.operation === 'check' && rest.length === 1 && rest[0]?.operation === 'add' && isGuard(rest[0])
}

function isGuard({ command }: HookCall): boolean {
  return command.joint === '||' || (command.joint === ';' && command.nested)
}

function withoutCalls(lines: Lines, hook: NatHook, wish: HookWish): Lines {
  const applies = concerns(wish, hook.stanza)
  if (!hook.calls.some(applies)) return lines
  if (hook.pure) return removeSpan(lines, hook.option)
  return replaceValue(lines, hook.option, rewriteCalls(hook, applies, undefined))
}

function completeHooks(lines: Lines, wish: HookWish): Lines {
  const find = (file: Lines, phase: 'up' | 'down') =>
    natHooks(file).find((hook) => hook.phase === phase && hook.calls.some(isAbout(wish)))
  const up = find(lines, 'up')
  const down = find(lines, 'down')
  if (up !== undefined && down !== undefined) return lines
  if (up !== undefined) {
    const line = `${indentOf(lines, up.stanza)}post-down ${downCommand(wish.rule)}`
    return splice(lines, up.option.end, 0, [line])
  }
  const stanza = holderStanza(lines, wish)
  if (stanza === undefined) return lines
  if (down !== undefined) return insertOption(lines, stanza, 'post-up', upCommand(wish.rule))
  const withUp = insertOption(lines, stanza, 'post-up', upCommand(wish.rule))
  return completeHooks(withUp, wish)
}

function holderStanza(lines: Lines, { holder }: HookWish): Stanza | undefined {
  const stanzas = stanzasOf(lines, holder)
  return (
    stanzas.find(({ family }) => family === 'inet') ?? stanzas.find(({ family }) => family !== 'inet6') ?? stanzas[0]
  )
}
