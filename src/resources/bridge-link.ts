/** A bridge as the kernel has it: there, up, with its address and ports. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type Link, type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { natRef } from '../facts/nat.ts'
import type { BridgeSettings } from '../interfaces/bridge.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { bridgeBlocked } from './bridge-checks.ts'
import { bridgeSteps } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { linkFromFile, replaceLink } from './predict-links.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

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
  const { link, ports } = linkFromFile(lines, name, links)
  const shown = link.addresses.map(({ cidr }) => cidr)
  const parts = [shown.join(', ') || 'no address', ports.length === 0 ? 'no ports' : `ports ${ports.join(' ')}`]
  return {
    kind: 'change',
    changes: [{ summary: `bring up ${name}: ${parts.join(', ')}` }],
    script: sh`ifup ${name} || echo ${`ifup ${name} ended with an error; what came of it is looked at next`}
[ -d ${`/sys/class/net/${name}`} ] || pv_fail ${`ifup did not create ${name}`}`,
    after: [becomes(linksRef, replaceLink(links, link, ports))],
    ...natDisturbed(model, name),
    ...(ports.some((port) => carriesDefaultRoute(links, port)) ? { risk: 'link' as const } : {}),
  }
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

/** `ifup` runs the hooks of the stanza; those that call iptables leave rules that nobody has predicted. */
function natDisturbed(model: Model, name: string): { readonly disturbs?: readonly [typeof natRef] } {
  const options = stanzasOf(linesOf(model.get(interfacesRef)), name).flatMap((stanza) => stanza.options)
  const calls = options.some((option) => /up$/.test(option.name) && option.value.includes('iptables'))
  return calls ? { disturbs: [natRef] } : {}
}
