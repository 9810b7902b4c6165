/** Hook lines of interfaces(5) that set or take away rules pvectl knows, in whatever way somebody once wrote them. */
import { type Lines, trim } from '../interfaces/lines.ts'
import { onceEach } from '../interfaces/once.ts'
import { normalName, type Option, parseBlocks, type Span, type Stanza, stanzasOf } from '../interfaces/stanzas.ts'
import { programOf } from './iptables-call.ts'
import { type KnownRule, purposeOf, type RuleCall, readRuleCall, ruleArgs, rulePlace } from './rules.ts'
import { type ShellCommand, shellCommands } from './shell-line.ts'

/** An iptables call about a known rule within a hook. */
export interface HookCall extends RuleCall {
  readonly command: ShellCommand
}

/** A hook line with at least one such call. */
export interface RuleHook {
  readonly stanza: Stanza
  readonly option: Option
  /** `down` for `pre-down`, `down` and `post-down`. */
  readonly phase: 'up' | 'down'
  readonly calls: readonly HookCall[]
  /** The line does nothing but such calls, about one set of packets. */
  readonly pure: boolean
}

/** All such hooks of a file, in order. */
export const ruleHooks: (lines: Lines) => readonly RuleHook[] = onceEach((lines) =>
  stanzasOf(lines).flatMap((stanza) => stanza.options.flatMap((option) => readHook(stanza, option))),
)

/** Hook lines outside any stanza that do nothing but such calls. */
export function orphanHooks(lines: Lines): readonly { readonly span: Span; readonly calls: readonly HookCall[] }[] {
  return parseBlocks(lines).flatMap((block) => {
    if (block.kind !== 'other' || hookPhase(block.keyword) === undefined || block.end > block.first + 1) return []
    const text = trim(lines[block.first]?.text ?? '')
    const { calls, pure } = readCalls(trim(text.slice(block.keyword.length)), '')
    return pure ? [{ span: block, calls }] : []
  })
}

/** What brings a rule up, once however often it runs. */
export function upCommand(rule: KnownRule): string {
  return `${callText('check', rule)} 2>/dev/null || ${callText('add', rule)}`
}

/** What takes a rule down, and succeeds when it is gone already. */
export function downCommand(rule: KnownRule): string {
  return `${callText('delete', rule)} || true`
}

/**
 * The line with its calls about other spellings of `rule` put right, all else kept byte for byte; `rule` undefined
 * takes the calls out. An addition that nothing guards gets a guard.
 */
export function rewriteCalls(
  hook: RuleHook,
  applies: (call: HookCall) => boolean,
  rule: KnownRule | undefined,
): string {
  const guarded = hook.calls.some((call) => applies(call) && call.operation === 'check')
  return hook.calls
    .filter(applies)
    .reverse()
    .reduce((line, call) => {
      const text = rule === undefined ? 'true' : replacement(call, rule, guarded)
      return line.slice(0, call.command.start) + text + line.slice(call.command.end)
    }, hook.option.value)
}

/** The phase of an option name; undefined when it is no hook. */
export function hookPhase(name: string): 'up' | 'down' | undefined {
  const [, phase] = /^(?:pre-|post-)?(up|down)$/.exec(normalName(name)) ?? []
  return phase === 'up' || phase === 'down' ? phase : undefined
}

function replacement({ operation }: HookCall, rule: KnownRule, guarded: boolean): string {
  if (operation === 'check' || operation === 'delete') return callText(operation, rule)
  return guarded ? callText('add', rule) : `{ ${upCommand(rule)}; }`
}

function callText(operation: 'add' | 'check' | 'delete', rule: KnownRule): string {
  const { family, table, chain } = rulePlace(rule)
  const letter = { add: additionOf(rule), check: '-C', delete: '-D' }[operation]
  return [programOf(family), '-t', table, letter, chain, ...ruleArgs(rule).map(shellText)].join(' ')
}

/** `[fd00::2]:443` would be a pattern to a shell. */
function shellText(word: string): string {
  return /^[\w@%+:,.!/=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** A zone counts only when it is set before anything else looks at the packet. */
export function additionOf(rule: KnownRule): '-A' | '-I' {
  return rule.kind === 'zone' ? '-I' : '-A'
}

function readHook(stanza: Stanza, option: Option): readonly RuleHook[] {
  const phase = hookPhase(option.name)
  if (phase === undefined || !/ip6?tables/.test(option.value)) return []
  const { calls, pure } = readCalls(option.value, stanza.name)
  return calls.length === 0 ? [] : [{ stanza, option, phase, calls, pure }]
}

function readCalls(value: string, iface: string): { readonly calls: readonly HookCall[]; readonly pure: boolean } {
  const commands = shellCommands(value, iface)
  const calls = commands.flatMap((command) => {
    const call = readRuleCall(command.words)
    return call === undefined ? [] : [{ ...call, command }]
  })
  const others = commands.filter((command) => !calls.some((call) => call.command === command))
  const purposes = new Set(calls.map(({ rule }) => purposeOf(rule)))
  const idle = others.every(({ words }) => words.length === 1 && NOTHING.has(words[0] ?? ''))
  return { calls, pure: purposes.size === 1 && idle }
}

const NOTHING = new Set(['true', ':', '/bin/true'])
