/** Taking a link away: its NAT rules, the live link, then what brings it up at boot. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef, type FactUpdate } from '../facts/fact.ts'
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type NatRule, type RuleTableId, rulesOf, ruleTables } from '../facts/nat.ts'
import { isAutostarted } from '../interfaces/allow.ts'
import type { Lines } from '../interfaces/lines.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { removeStanzas } from '../interfaces/whole-stanza.ts'
import { dropHooks } from '../nat/adopt-hooks.ts'
import { rulesOfBridge } from '../nat/bridge-rules.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, readRule, ruleArgs, samePurpose } from '../nat/rules.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { deleteAll } from './live-rules.ts'
import { planChain } from './plan-chain.ts'
import { withoutLink } from './predict-links.ts'
import { removalBlocked } from './removal-checks.ts'
import { OK, type PlanBlocked, type Resource } from './resource.ts'
import { afterDownHooks, liveMovedRules, type MovedRule, rulesMoved, withMovedHooks } from './rules-moved.ts'

/** A link that is to go. */
export interface LinkGone {
  readonly name: string
  /** For people: `bridge`, `bond`. */
  readonly what: string
  /** Kinds of link that may be removed under that name. */
  readonly kinds: readonly string[]
  /** Removes the live link, and does no harm when it is gone; default: `ip link del`. */
  readonly remove?: Script
  readonly reads?: readonly FactRef<unknown>[]
  /** Why it must not go, besides what holds for every link. */
  readonly blocked?: (model: Model) => PlanBlocked | undefined
  /** Whether there is something to remove; default: when there is a link of the name. */
  readonly isLive?: (model: Model) => boolean
  /** Further facts that change with the live link. */
  readonly after?: (model: Model) => readonly FactUpdate[]
  /** What goes from the file besides the stanza. */
  readonly edit?: (lines: Lines) => Lines
}

const TABLES = ruleTables.map(({ family, table }) => rulesOf(family, table))

/** Ensures that there is no such link: three steps, in the order in which they must be taken. */
export function linkGone(gone: LinkGone): readonly Resource[] {
  return [rulesAbsent(gone), linkAbsent(gone), stanzaAbsent(gone)]
}

/** Ensures that there is no such bridge. */
export function bridgeAbsent(name: string): readonly Resource[] {
  return linkGone({ name, what: 'bridge', kinds: ['bridge'] })
}

function rulesAbsent(link: LinkGone): Resource {
  const { name, reads = [] } = link
  return {
    kind: 'nat_rule',
    key: `nat-of:${name}`,
    title: `no NAT rules of ${name}`,
    reads: [...TABLES, interfacesRef, linksRef, ...reads],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const blocked = removalBlocked(link, interfaces, links) ?? link.blocked?.(model)
      if (blocked !== undefined) return blocked
      const isOf = goingRules(interfaces, links, name)
      const parts = ruleTables.flatMap((table) => rulesGone(model, table, isOf))
      if (parts.length === 0) return OK
      return {
        kind: 'change',
        changes: parts.flatMap(({ gone }) => gone.map(({ args }) => ({ summary: `remove ${args.join(' ')}` }))),
        script: joinScripts(parts.flatMap(({ scripts }) => scripts)),
        after: parts.map(({ after }) => after),
      }
    },
  }
}

/** Tells the rules that go with the link from those that another stanza takes over. */
function goingRules(
  interfaces: InterfacesState,
  links: LinksState,
  name: string,
  moved = rulesMoved(interfaces, name),
): (rule: KnownRule) => boolean {
  const isOf = rulesOfBridge(linesOf(interfaces), links, name)
  return (rule) => isOf(rule) && !moved.some((other) => samePurpose(other.rule, rule))
}

interface RulesGone {
  readonly gone: readonly NatRule[]
  readonly scripts: readonly Script[]
  readonly after: FactUpdate
}

/** The rules of one table that go. */
function rulesGone(model: Model, table: RuleTableId, isOf: (rule: KnownRule) => boolean): readonly RulesGone[] {
  const ref = rulesOf(table.family, table.table)
  const state = model.get(ref)
  if (!state.available) return []
  const gone = state.rules.filter((rule) => {
    const read = readRule({ ...table, chain: rule.chain }, rule.args)
    return read !== undefined && isOf(read)
  })
  if (gone.length === 0) return []
  const distinct = [...new Map(gone.map((rule) => [rule.raw, rule])).values()]
  return [
    {
      gone,
      scripts: distinct.map((rule) => deleteAll(table, rule)),
      after: becomes(ref, { available: true, rules: state.rules.filter((rule) => !gone.includes(rule)) }),
    },
  ]
}

function linkAbsent(gone: LinkGone): Resource {
  const { name, what, reads = [], after = () => [] } = gone
  return {
    kind: `${what.replaceAll(' ', '_')}_link`,
    key: `${what}:${name}`,
    title: `no ${what} ${name}`,
    reads: [...TABLES, interfacesRef, linksRef, ...reads],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const blocked = removalBlocked(gone, interfaces, links) ?? gone.blocked?.(model)
      if (blocked !== undefined) return blocked
      if (!(gone.isLive?.(model) ?? linkNamed(links, name) !== undefined)) return OK
      const known = stanzasOf(linesOf(interfaces), name).length > 0
      return {
        kind: 'change',
        changes: [{ summary: `take down ${name}` }],
        script: joinScripts([
          ...(known ? [sh`ifdown ${name} || :`] : []),
          gone.remove ?? sh`[ ! -d ${`/sys/class/net/${name}`} ] || ip link del dev ${name}`,
        ]),
        after: [becomes(linksRef, withoutLink(links, name)), ...afterDownHooks(model, name), ...after(model)],
        risk: 'link',
      }
    },
  }
}

function stanzaAbsent(link: LinkGone): Resource {
  const { name, what, reads = [], edit = (lines) => lines } = link
  return {
    kind: 'interfaces_stanza',
    key: `interfaces:${name}`,
    title: `no ${name} in /etc/network/interfaces`,
    claims: [`comment:${name}`],
    reads: [...TABLES, interfacesRef, linksRef, ...reads],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const lines = linesOf(interfaces)
      const blocked = removalBlocked(link, interfaces, links) ?? link.blocked?.(model)
      if (blocked !== undefined) return blocked
      if (stanzasOf(lines, name).length === 0 && !isAutostarted(lines, name))
        return planInterfacesEdit(model, {
          edit: (file) => edit(removeStanzas(file, name)),
          summary: `take out ${name}`,
        })
      const moved = rulesMoved(interfaces, name)
      const isOf = goingRules(interfaces, links, name, moved)
      const rules = ruleHooks(lines)
        .flatMap(({ calls }) => calls.map(({ rule }) => rule))
        .filter(isOf)
      const without = (file: Lines) =>
        rules.reduce((now, rule) => dropHooks(now, { rule, holder: '' }), edit(removeStanzas(file, name)))
      return planChain(model, [
        ...liveMovedRules(moved),
        (now) =>
          planInterfacesEdit(now, {
            edit: (file) => withMovedHooks(without(file), moved),
            summary: [`remove ${what} ${name}`, ...moved.flatMap(movedWords)].join('; '),
          }),
      ])
    },
  }
}

function movedWords({ rule, holder }: MovedRule): readonly string[] {
  return holder === undefined ? [] : [`${holder} keeps ${ruleArgs(rule).join(' ')}`]
}
