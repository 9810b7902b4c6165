/** Taking a bridge away: its NAT rules, the live link, then what brings it up at boot. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type LinksState, linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type NatRule, type RuleTableId, rulesOf, ruleTables } from '../facts/nat.ts'
import { isAutostarted } from '../interfaces/allow.ts'
import { portsInFile } from '../interfaces/bridge.ts'
import { optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import { removeStanzas } from '../interfaces/whole-stanza.ts'
import { dropHooks } from '../nat/adopt-hooks.ts'
import { rulesOfBridge } from '../nat/bridge-rules.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, readRule } from '../nat/rules.ts'
import { isGuestPort } from './bridge-steps.ts'
import { definedElsewhere, linesOf, planInterfacesEdit } from './interfaces-file.ts'
import { deleteAll } from './live-rules.ts'
import { withoutLink } from './predict-links.ts'
import { OK, type PlanBlocked, type Resource } from './resource.ts'

/** The three steps of {@link file://./bridge-absent.ts}, in the order in which they must be taken. */
export function bridgeAbsent(name: string): readonly Resource[] {
  return [rulesAbsent(name), linkAbsent(name), stanzaAbsent(name)]
}

function rulesAbsent(name: string): Resource {
  return {
    kind: 'nat_rule',
    key: `nat-of:${name}`,
    title: `no NAT rules of ${name}`,
    reads: [...ruleTables.map(({ family, table }) => rulesOf(family, table)), interfacesRef, linksRef],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const blocked = removalBlocked(name, interfaces, links)
      if (blocked !== undefined) return blocked
      const isOf = rulesOfBridge(linesOf(interfaces), links, name)
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

function linkAbsent(name: string): Resource {
  return {
    kind: 'bridge_link',
    key: `bridge:${name}`,
    title: `no bridge ${name}`,
    reads: [interfacesRef, linksRef],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const blocked = removalBlocked(name, interfaces, links)
      if (blocked !== undefined) return blocked
      if (linkNamed(links, name) === undefined) return OK
      const known = stanzasOf(linesOf(interfaces), name).length > 0
      return {
        kind: 'change',
        changes: [{ summary: `take down ${name}` }],
        script: joinScripts([
          ...(known ? [sh`ifdown ${name} || :`] : []),
          sh`[ ! -d ${`/sys/class/net/${name}`} ] || ip link del dev ${name}`,
        ]),
        after: [becomes(linksRef, withoutLink(links, name))],
        risk: 'link',
      }
    },
  }
}

function stanzaAbsent(name: string): Resource {
  return {
    kind: 'interfaces_stanza',
    key: `interfaces:${name}`,
    title: `no ${name} in /etc/network/interfaces`,
    claims: [`comment:${name}`],
    reads: [interfacesRef, linksRef],
    plan(model) {
      const interfaces = model.get(interfacesRef)
      const links = model.get(linksRef)
      const lines = linesOf(interfaces)
      const blocked = removalBlocked(name, interfaces, links)
      if (blocked !== undefined) return blocked
      if (stanzasOf(lines, name).length === 0 && !isAutostarted(lines, name))
        return planInterfacesEdit(model, { edit: (file) => removeStanzas(file, name), summary: '' })
      const isOf = rulesOfBridge(lines, links, name)
      const rules = ruleHooks(lines)
        .flatMap(({ calls }) => calls.map(({ rule }) => rule))
        .filter(isOf)
      return planInterfacesEdit(model, {
        edit: (file) => rules.reduce((now, rule) => dropHooks(now, { rule, holder: '' }), removeStanzas(file, name)),
        summary: `remove bridge ${name}`,
      })
    },
  }
}

/** What else is built on the bridge and would break with it. */
function removalBlocked(name: string, interfaces: InterfacesState, links: LinksState): PlanBlocked | undefined {
  const lines = linesOf(interfaces)
  const link = linkNamed(links, name)
  if (link === undefined && stanzasOf(lines, name).length === 0) return undefined
  const elsewhere = stanzasOf(lines, name).length === 0 ? definedElsewhere(interfaces, name) : undefined
  if (elsewhere !== undefined)
    return blocked(`${name} is described in ${elsewhere}, which pvectl does not edit`, 'remove it there')
  if (link !== undefined && link.kind !== 'bridge')
    return blocked(`${name} is not a bridge (${link.kind || 'hardware'})`, 'only bridges are removed')
  if (carriesDefaultRoute(links, name))
    return blocked(`the default route of the node leaves by ${name}`, 'give the node another way out first')
  const guests = portsOf(links, name).filter((port) => isGuestPort(port.name))
  if (guests.length > 0)
    return blocked(
      `guests are plugged into ${name}: ${guests.map((port) => port.name).join(', ')}`,
      'stop those guests or give them another bridge first; the number after tap, veth or fwpr is that of the guest',
    )
  const above = [
    ...stanzasOf(lines)
      .filter(
        (stanza) =>
          stanza.name !== name &&
          isBuiltOn(name, stanza.name, [
            ...optionsNamed(stanza, 'vlan-raw-device').map((option) => option.value),
            ...(portsInFile(lines, stanza.name) ?? []),
          ]),
      )
      .map((stanza) => stanza.name),
    ...links.links.filter((other) => other.name.startsWith(`${name}.`)).map((other) => other.name),
  ]
  return above.length === 0
    ? undefined
    : blocked(`${[...new Set(above)].join(', ')} is built on ${name}`, 'remove or change that first')
}

function isBuiltOn(name: string, other: string, parents: readonly string[]): boolean {
  return other.startsWith(`${name}.`) || other.startsWith(`${name}:`) || parents.includes(name)
}

function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
