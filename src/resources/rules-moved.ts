/** Rules that the stanza of a link sets for others, too: another stanza sets them once the link is gone. */
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import type { Lines } from '../interfaces/lines.ts'
import { networksNamed } from '../interfaces/networks.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { removeStanzas } from '../interfaces/whole-stanza.ts'
import { adoptHooks } from '../nat/adopt-hooks.ts'
import { servedBy } from '../nat/bridge-rules.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, rulePlace, samePurpose } from '../nat/rules.ts'
import { ipOverlaps } from '../net/ip-cidr.ts'
import { linesOf } from './interfaces-file.ts'
import { planLiveRule, readLive, tableOf } from './live-rules.ts'
import { foreignHooks } from './masquerade-wish.ts'
import type { Plan } from './resource.ts'

/** A rule that stays although the link that carries its hooks goes. */
export interface MovedRule {
  readonly rule: KnownRule
  /** Interface whose stanza sets it then; undefined where a file that pvectl does not edit does. */
  readonly holder: string | undefined
}

/**
 * The rules of the stanzas of `name` that others need: a zone as long as another stanza hides a network of guests, and
 * NAT and forwards for a network of another stanza.
 */
export function rulesMoved(interfaces: InterfacesState, name: string): readonly MovedRule[] {
  const lines = linesOf(interfaces)
  const rest = removeStanzas(lines, name)
  const own = rulesOfStanzas(lines, name, 'up')
  const distinct = own.filter((rule, i) => own.findIndex((other) => samePurpose(other, rule)) === i)
  return distinct.flatMap((rule): readonly MovedRule[] => {
    const holder = heirOf(rule, rest)
    if (holder !== undefined) return [{ rule, holder }]
    // SDN writes the same zone to its own file, and the kernel has one rule for both.
    return rule.kind === 'zone' && foreignHooks(rule, interfaces).length > 0 ? [{ rule, holder }] : []
  })
}

/** The file with the hooks of moved rules at their new place. */
export function withMovedHooks(lines: Lines, moved: readonly MovedRule[]): Lines {
  return moved.reduce(
    (file, { rule, holder }) => (holder === undefined ? file : adoptHooks(file, { rule, holder })),
    lines,
  )
}

/** Tables as they are when the hooks of `name` that take rules away have run. */
export function afterDownHooks(model: Model, name: string): readonly FactUpdate[] {
  const interfaces = model.get(interfacesRef)
  const moved = rulesMoved(interfaces, name).map(({ rule }) => rule)
  const down = rulesOfStanzas(linesOf(interfaces), name, 'down')
  const updates: FactUpdate[] = []
  for (const rule of moved.filter((one) => down.some((other) => samePurpose(other, one))))
    updates.push(...withoutRule(model.with(updates), rule))
  return updates
}

/** Plans that moved rules are live, as their hooks will have it. */
export function liveMovedRules(moved: readonly MovedRule[]): readonly ((model: Model) => Plan)[] {
  return moved.map(
    ({ rule }) =>
      (model) =>
        planLiveRule(model, { rule, present: true }),
  )
}

function rulesOfStanzas(lines: Lines, name: string, wanted: 'up' | 'down'): readonly KnownRule[] {
  return ruleHooks(lines)
    .filter(({ stanza, phase }) => stanza.name === name && phase === wanted)
    .flatMap(({ calls }) => calls.map(({ rule }) => rule))
}

/** Who needs the rule besides, by the file: whoever has a hook for it, guests behind NAT, or the network it is for. */
function heirOf(rule: KnownRule, rest: Lines): string | undefined {
  const network = servedBy(rule)
  const names = [...new Set(stanzasOf(rest).map(({ name }) => name))]
  const out = rule.kind === 'source' ? rule.out : undefined
  const owner =
    network === undefined
      ? ruleHooks(rest).find(({ calls }) =>
          calls.some((call) => call.rule.kind === 'source' && sameFamily(call.rule, rule)),
        )?.stanza.name
      : names.find((name) => name !== out && networksNamed(rest, name).some((one) => ipOverlaps(one, network)))
  if (owner === undefined) return undefined
  const hooked = ruleHooks(rest).find(
    ({ phase, calls }) => phase === 'up' && calls.some((call) => samePurpose(call.rule, rule)),
  )
  return hooked?.stanza.name ?? owner
}

function sameFamily(a: KnownRule, b: KnownRule): boolean {
  return rulePlace(a).family === rulePlace(b).family
}

function withoutRule(model: Model, rule: KnownRule): readonly FactUpdate[] {
  const ref = tableOf(rule)
  const state = model.get(ref)
  if (!state.available) return []
  const rules = state.rules.filter((one) => {
    const read = readLive(rulePlace(rule), one)
    return read === undefined || !samePurpose(read, rule)
  })
  return [becomes(ref, { available: true, rules })]
}
