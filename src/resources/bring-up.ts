/** A link that is described in the file but not there: brought up by `ifup`, hooks and all. */
import { isUtf8 } from 'node:buffer'
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { INTERFACES_PATH, interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type Link, type LinksState, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf, ruleTables } from '../facts/nat.ts'
import { mtuInFile } from '../interfaces/bridge.ts'
import { formatLines, type Lines } from '../interfaces/lines.ts'
import { rulesAfterUp } from '../nat/simulate-hooks.ts'
import { linesOf } from './interfaces-file.ts'
import type { LinkStep } from './link-steps.ts'
import { replaceLink } from './predict-links.ts'
import type { Plan, PlanChange } from './resource.ts'

/** What comes up. */
export interface BringUp {
  /** As it will be. */
  readonly link: Link
  /** Links that become its ports. */
  readonly ports: readonly string[]
  /** After the name of the link: `10.0.0.1/24, ports eno2`. */
  readonly summary: string
  /** Changes to other links that it needs. */
  readonly first?: readonly LinkStep[]
  /** What `ifup` may have left undone; must do no harm when it has not. */
  readonly settle?: readonly Script[]
}

/** Plans `ifup`, with what its hooks do to the rules of the node. */
export function planBringUp(model: Model, { link, ports, summary, first = [], settle = [] }: BringUp): Plan {
  const lines = linesOf(model.get(interfacesRef))
  const links = model.get(linksRef)
  const { name } = link
  if (!isUtf8(formatLines(lines)))
    return {
      kind: 'blocked',
      reason: `${INTERFACES_PATH} has bytes that are not UTF-8, and ifupdown2 refuses such a file as a whole`,
      hint: `find them with: grep -naxv '.*' ${INTERFACES_PATH}`,
    }
  const { nat, ...disturbed } = rulesAfter(model, name)
  const prepared = first.reduce((state, step) => step.after(state), links)
  return {
    kind: 'change',
    changes: [...first.map((step) => ({ summary: step.summary })), { summary: `bring up ${name}: ${summary}` }],
    script: joinScripts([...first.map(({ script }) => script), ifup(name), ...ownMtu(link, lines), ...settle]),
    after: [becomes(linksRef, replaceLink(prepared, link, ports)), ...nat],
    ...disturbed,
    ...(isRisky(links, ports) ? { risk: 'link' as const } : {}),
  }
}

/** What a link has for people: addresses and more. */
export function describeLink({ addresses }: Link, more: readonly string[]): string {
  return [addresses.map(({ cidr }) => cidr).join(', ') || 'no address', ...more].join(', ')
}

/**
 * `ifup` gives up at once while another run of ifupdown2 holds its lock. Its exit status says little: what counts is
 * the link.
 */
function ifup(name: string): Script {
  const link = `/sys/class/net/${name}`
  return sh`pv_n=0
until ifup ${name} || [ $pv_n -ge 5 ]; do
	[ ! -d ${link} ] || break
	sleep 2
	pv_n=$((pv_n+1))
done
[ -d ${link} ] || pv_fail ${`ifup did not create ${name}`}`
}

/** Where /sys is read-only ifupdown2 cannot set it, and says nothing but a warning. */
function ownMtu({ name, mtu }: Link, lines: Lines): readonly Script[] {
  return mtuInFile(lines, name) === undefined ? [] : [sh`ip link set ${name} mtu ${mtu}`]
}

function isRisky(links: LinksState, ports: readonly string[]): boolean {
  return ports.some((port) => carriesDefaultRoute(links, port))
}

/** `ifup` runs the hooks of the stanza, which may set NAT rules. */
function rulesAfter(
  model: Model,
  name: string,
): Pick<PlanChange, 'disturbs'> & { readonly nat: readonly FactUpdate[] } {
  const lines = linesOf(model.get(interfacesRef))
  const tables = ruleTables
    .map((table) => ({ table, ref: rulesOf(table.family, table.table) }))
    .filter(({ ref }) => model.has(ref))
    .map(({ table, ref }) => ({ ref, after: rulesAfterUp(table, model.get(ref), lines, name) }))
  const unforeseen = tables.filter(({ after }) => after === undefined).map(({ ref }) => ref)
  return {
    nat: tables.flatMap(({ ref, after }) => (after === undefined ? [] : [becomes(ref, after)])),
    ...(unforeseen.length === 0 ? {} : { disturbs: unforeseen }),
  }
}
