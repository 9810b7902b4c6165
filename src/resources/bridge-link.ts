/** A bridge as the kernel has it: there, up, with its address and ports. */
import { type Script, sh } from '../connection/script.ts'
import { bridgeVlansRef } from '../facts/bridge-vlans.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type BridgeSettings, portsInFile } from '../interfaces/bridge.ts'
import { bridgeBlocked, bridgeReads } from './bridge-checks.ts'
import { bridgeSteps, portMtuSteps, vlanPortSteps } from './bridge-steps.ts'
import { NEW_PORT, planNamedPorts } from './bridge-vlans.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { planSteps } from './link-steps.ts'
import { planChain } from './plan-chain.ts'
import { linkFromFile } from './predict-links.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/**
 * Ensures the live bridge. A missing one is brought up from its stanza; an existing one is changed link by link, never
 * by `ifreload`, which detaches guests from bridges with Debian's ifupdown2.
 */
export function bridgeLink(settings: BridgeSettings): Resource {
  const { name } = settings
  // Otherwise VLANs are seen to by a resource of their own.
  const joins = settings.vlanAware === undefined && settings.ports !== undefined
  return {
    kind: 'bridge_link',
    key: `bridge:${name}`,
    title: `bridge ${name}`,
    reads: [...bridgeReads(settings), ...(joins ? [bridgeVlansRef as FactRef<unknown>] : [])],
    plan(model) {
      const blocked = bridgeBlocked(settings, model)
      if (blocked !== undefined) return blocked
      const links = model.get(linksRef)
      const link = linkNamed(links, name)
      const lines = linesOf(model.get(interfacesRef))
      const plan =
        link === undefined
          ? bringUp(settings, model, links)
          : planSteps(bridgeSteps(settings, lines, links, link), links, link.name)
      return planChain(model, [
        () => withNewPorts(plan, name, model),
        (now) => (joins ? planNamedPorts(name, settings.ports ?? [], now) : OK),
      ])
    },
  }
}

/** A port that joins a bridge has the VLANs that the kernel gives it, whatever it had on another one. */
function withNewPorts(plan: Plan, name: string, model: Model): Plan {
  if (plan.kind !== 'change' || !model.has(bridgeVlansRef)) return plan
  const before = portsOf(model.get(linksRef), name).map((port) => port.name)
  const joined = portsOf(model.with(plan.after).get(linksRef), name).filter((port) => !before.includes(port.name))
  const present = model.get(bridgeVlansRef)
  const stale = present.filter((entry) => joined.some((port) => port.name === entry.name))
  if (stale.length === 0) return plan
  const fresh = stale.map((entry) => ({ ...NEW_PORT, name: entry.name }))
  return {
    ...plan,
    after: [...plan.after, becomes(bridgeVlansRef, [...present.filter((entry) => !stale.includes(entry)), ...fresh])],
  }
}

function bringUp(settings: BridgeSettings, model: Model, links: LinksState): Plan {
  const lines = linesOf(model.get(interfacesRef))
  const { name } = settings
  const first = [...vlanPortSteps(portsInFile(lines, name) ?? [], links), ...portMtuSteps(settings, lines, links)]
  const { link, ports } = linkFromFile(
    lines,
    name,
    first.reduce((state, step) => step.after(state), links),
  )
  const aware = link.bridge?.vlanAware === true
  const summary = describeLink(link, [
    ports.length === 0 ? 'no ports' : `ports ${ports.join(' ')}`,
    ...(aware ? ['VLAN-aware'] : []),
  ])
  return planBringUp(model, { link, ports, summary, first, settle: ports.map((port) => plug(name, port)) })
}

/** `ifup` leaves ports without `auto` down. */
function plug(name: string, port: string): Script {
  return sh`[ -e ${`/sys/class/net/${name}/brif/${port}`} ] || ip link set ${port} master ${name}
ip link set ${port} up`
}
