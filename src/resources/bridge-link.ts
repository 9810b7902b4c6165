/** A bridge as the kernel has it: there, up, with its address and ports. */

import { isUtf8 } from 'node:buffer'
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { INTERFACES_PATH, interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf, ruleTables } from '../facts/nat.ts'
import type { BridgeSettings } from '../interfaces/bridge.ts'
import { formatLines } from '../interfaces/lines.ts'
import { rulesAfterUp } from '../nat/simulate-hooks.ts'
import { bridgeBlocked } from './bridge-checks.ts'
import { bridgeSteps } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { linkFromFile, replaceLink } from './predict-links.ts'
import { type Change, OK, type Plan, type PlanChange, type Resource } from './resource.ts'

/**
 * Ensures the live bridge. A missing one is brought up from its stanza; an existing one is changed link by link, never
 * by `ifreload`, which detaches guests from bridges with Debian's ifupdown2.
 */
export function bridgeLink(settings: BridgeSettings): Resource {
  return {
    kind: 'bridge_link',
    key: `bridge:${settings.name}`,
    title: `bridge ${settings.name}`,
    reads: [interfacesRef, linksRef],
    plan(model) {
      const links = model.get(linksRef)
      const blocked = bridgeBlocked(settings, model.get(interfacesRef), links)
      if (blocked !== undefined) return blocked
      const link = linkNamed(links, settings.name)
      return link === undefined ? bringUp(settings, model, links) : adjust(settings, model, links, link)
    },
  }
}

function bringUp({ name }: BridgeSettings, model: Model, links: LinksState): Plan {
  const lines = linesOf(model.get(interfacesRef))
  if (!isUtf8(formatLines(lines)))
    return {
      kind: 'blocked',
      reason: `${INTERFACES_PATH} has bytes that are not UTF-8, and ifupdown2 refuses such a file as a whole`,
      hint: `find them with: grep -naxv '.*' ${INTERFACES_PATH}`,
    }
  const { link, ports } = linkFromFile(lines, name, links)
  const { nat, ...disturbed } = natAfter(model, name)
  const shown = link.addresses.map(({ cidr }) => cidr)
  const parts = [shown.join(', ') || 'no address', ports.length === 0 ? 'no ports' : `ports ${ports.join(' ')}`]
  return {
    kind: 'change',
    changes: [{ summary: `bring up ${name}: ${parts.join(', ')}` }],
    script: bringUpScript(name, ports),
    after: [becomes(linksRef, replaceLink(links, link, ports)), ...nat],
    ...disturbed,
    ...(ports.some((port) => carriesDefaultRoute(links, port)) ? { risk: 'link' as const } : {}),
  }
}

/**
 * `ifup` gives up at once while another run of ifupdown2 holds its lock, and leaves ports without `auto` down, so both
 * are seen to. Its exit status says little: what counts is the link.
 */
function bringUpScript(name: string, ports: readonly string[]): Script {
  const link = `/sys/class/net/${name}`
  const plug = ports.map(
    (port) => sh`
[ -e ${`${link}/brif/${port}`} ] || ip link set ${port} master ${name}
ip link set ${port} up`,
  )
  return sh`pv_n=0
until ifup ${name} || [ $pv_n -ge 5 ]; do
	[ ! -d ${link} ] || break
	sleep 2
	pv_n=$((pv_n+1))
done
[ -d ${link} ] || pv_fail ${`ifup did not create ${name}`}${joinScripts(plug, '')}`
}

function adjust(settings: BridgeSettings, model: Model, links: LinksState, link: Link): Plan {
  const steps = bridgeSteps(settings, linesOf(model.get(interfacesRef)), links, link)
  if (steps.length === 0) return OK
  const risky = steps.some(({ movesTraffic }) => movesTraffic) || carriesDefaultRoute(links, link.name)
  const changes: Change[] = steps.map(({ summary }) => ({ summary }))
  const scripts: Script[] = steps.map(({ script }) => script)
  return {
    kind: 'change',
    changes,
    script: joinScripts(scripts),
    after: [
      becomes(
        linksRef,
        steps.reduce((state, step) => step.after(state), links),
      ),
    ],
    ...(risky ? { risk: 'link' as const } : {}),
  }
}

/** `ifup` runs the hooks of the stanza, which may set NAT rules. */
function natAfter(model: Model, name: string): Pick<PlanChange, 'disturbs'> & { readonly nat: readonly FactUpdate[] } {
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
