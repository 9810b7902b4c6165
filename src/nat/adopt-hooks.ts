/** Brings the hook lines of a rule in order: written once, guarded, where both PVE and ifupdown2 see them. */
import { type Lines, splice } from '../interfaces/lines.ts'
import { lastingStanza } from '../interfaces/one-family.ts'
import { indentOf, insertOption, removeSpan, replaceValue } from '../interfaces/options.ts'
import type { Stanza } from '../interfaces/stanzas.ts'
import {
  downCommand,
  type HookCall,
  orphanHooks,
  type RuleHook,
  rewriteCalls,
  ruleHooks,
  upCommand,
} from './hook-lines.ts'
import { type KnownRule, ruleArgs, samePurpose } from './rules.ts'

/** Whose hooks to bring in order. */
export interface HookWish {
  readonly rule: KnownRule
  /** Interface whose stanza gets the hooks when none has them; empty: only what is there is taken out. */
  readonly holder: string
  /** True for another way to write the same rule, which is rewritten where it stands; default: none. */
  readonly isSame?: (rule: KnownRule) => boolean
  /** True for a further rule that this one takes the place of; default: none. */
  readonly replaces?: (rule: KnownRule, stanza: Stanza) => boolean
}

/** The file with the hooks of the rule: those that are there rewritten in place, extra and outdated ones gone. */
export function adoptHooks(lines: Lines, wish: HookWish): Lines {
  const tidy = tidyPhase(tidyPhase(withoutOrphans(lines, wish), wish, 'down'), wish, 'up')
  return completeHooks(tidy, wish)
}

/** The file without any hook of the rule. */
export function dropHooks(lines: Lines, wish: HookWish): Lines {
  const rest = withoutOrphans(lines, wish)
  return ruleHooks(rest)
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
function concerns(wish: HookWish, stanza: Stanza): (call: HookCall) => boolean {
  return (call) => isAbout(wish)(call) || wish.replaces?.(call.rule, stanza) === true
}

/** One phase: the best hook stays and gets the right words, all others lose theirs. */
function tidyPhase(lines: Lines, wish: HookWish, phase: 'up' | 'down'): Lines {
  const hooks = ruleHooks(lines).filter((hook) => hook.phase === phase && hook.calls.some(concerns(wish, hook.stanza)))
  const keeper = bestHook(hooks, wish, phase)
  return hooks
    .toReversed()
    .reduce((file, hook) => (hook === keeper ? keepHook(file, hook, wish) : withoutCalls(file, hook, wish)), lines)
}

/** A hook of the holder first; one after a blank line is of no use, since PVE would move it elsewhere. */
function bestHook(hooks: readonly RuleHook[], wish: HookWish, phase: 'up' | 'down'): RuleHook | undefined {
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
  return ({ rule }) => samePurpose(rule, wish.rule) || wish.isSame?.(rule) === true
}

function isSetting(operation: HookCall['operation'] | undefined): boolean {
  return operation === 'add' || operation === 'insert'
}

function keepHook(lines: Lines, hook: RuleHook, wish: HookWish): Lines {
  if (hook.pure && isInOrder(hook, wish)) return lines
  const whole = hook.phase === 'up' ? upCommand(wish.rule) : downCommand(wish.rule)
  const value = hook.pure ? whole : rewriteCalls(hook, concerns(wish, hook.stanza), wish.rule)
  return value === hook.option.value ? lines : replaceValue(lines, hook.option, value)
}

function sameText(a: KnownRule, b: KnownRule): boolean {
  return samePurpose(a, b) && ruleArgs(a).join(' ') === ruleArgs(b).join(' ')
}

/** Somebody else's words for the same: left as they are. */
function isInOrder({ phase, calls, option }: RuleHook, wish: HookWish): boolean {
  const right = calls.every(({ rule, exact }) => exact && sameText(rule, wish.rule))
  const operations = calls.map(({ operation }) => operation)
  if (!right) return false
  if (phase === 'down') return operations.every((operation) => operation === 'delete') && option.value.includes('||')
  const [check, ...rest] = calls
  return check?.operation === 'check' && rest.length === 1 && isSetting(rest[0]?.operation) && isGuard(rest[0])
}

function isGuard(call: HookCall | undefined): boolean {
  return call?.command.joint === '||' || (call?.command.joint === ';' && call.command.nested)
}

function withoutCalls(lines: Lines, hook: RuleHook, wish: HookWish): Lines {
  const applies = concerns(wish, hook.stanza)
  if (!hook.calls.some(applies)) return lines
  if (hook.pure) return removeSpan(lines, hook.option)
  return replaceValue(lines, hook.option, rewriteCalls(hook, applies, undefined))
}

function completeHooks(lines: Lines, wish: HookWish): Lines {
  const find = (file: Lines, phase: 'up' | 'down') =>
    ruleHooks(file).find((hook) => hook.phase === phase && hook.calls.some(isAbout(wish)))
  const up = find(lines, 'up')
  const down = find(lines, 'down')
  if (up !== undefined && down !== undefined) return lines
  if (up !== undefined) {
    const line = `${indentOf(lines, up.stanza)}post-down ${downCommand(wish.rule)}`
    return splice(lines, up.option.end, 0, [line])
  }
  const stanza = lastingStanza(lines, wish.holder)
  if (stanza === undefined) return lines
  if (down !== undefined) return insertOption(lines, stanza, 'post-up', upCommand(wish.rule))
  const withUp = insertOption(lines, stanza, 'post-up', upCommand(wish.rule))
  return completeHooks(withUp, wish)
}
