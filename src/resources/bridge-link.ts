/** A bridge as the kernel has it: there, up, with its address and ports. */
import { type Script, sh } from '../connection/script.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type BridgeSettings, portsInFile } from '../interfaces/bridge.ts'
import { bridgeBlocked, bridgeReads } from './bridge-checks.ts'
import { bridgeSteps, portMtuSteps, vlanPortSteps } from './bridge-steps.ts'
import { describeLink, planBringUp } from './bring-up.ts'
import { linesOf } from './interfaces-file.ts'
import { planSteps } from './link-steps.ts'
import { linkFromFile } from './predict-links.ts'
import type { Plan, Resource } from './resource.ts'

/**
 * Ensures the live bridge. A missing one is brought up from its stanza; an existing one is changed link by link, never
 * by `ifreload`, which detaches guests from bridges with Debian's ifupdown2.
 */
export function bridgeLink(settings: BridgeSettings): Resource {
  return {
    kind: 'bridge_link',
    key: `bridge:${settings.name}`,
    title: `bridge ${settings.name}`,
    reads: bridgeReads(settings),
    plan(model) {
      const blocked = bridgeBlocked(settings, model)
      if (blocked !== undefined) return blocked
      const links = model.get(linksRef)
      const link = linkNamed(links, settings.name)
      return link === undefined
        ? bringUp(settings, model, links)
        : planSteps(bridgeSteps(settings, linesOf(model.get(interfacesRef)), links, link), links, link.name)
    },
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
